// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/config.h"

#include <cstdint>
#include <cstdio>

namespace directfaas::cni::ovs {
namespace {

CniError bad(const std::string& message) { return {Code::kConfig, message, ""}; }

}  // namespace

std::expected<NetworkConfig, CniError> NetworkConfig::parse(std::string_view text) {
    auto object = Json::parse(text, nullptr, false);
    if (!object.is_object()) {
        return std::unexpected(CniError{Code::kDecode, "standard input is no JSON object", ""});
    }
    NetworkConfig config;
    for (const auto& [name, value] :
         {std::pair{"bridge", &config.bridge}, std::pair{"ovsRunDir", &config.run_dir}}) {
        if (const auto found = object.find(name); found != object.end()) {
            if (!found->is_string() || found->get<std::string>().empty()) {
                return std::unexpected(bad(std::string(name) + " must be a string"));
            }
            *value = found->get<std::string>();
        }
    }
    if (const auto mtu = object.find("mtu"); mtu != object.end()) {
        constexpr unsigned kLeast = 576;
        constexpr unsigned kMost = 65535;
        if (!mtu->is_number_unsigned() || *mtu < kLeast || *mtu > kMost) {
            return std::unexpected(bad("mtu must be a number of 576 to 65535"));
        }
        config.mtu = mtu->get<unsigned>();
    }
    const auto ipam = object.find("ipam");
    if (ipam == object.end() || !ipam->is_object() || !ipam->contains("type") ||
        !(*ipam)["type"].is_string()) {
        return std::unexpected(
            bad("ipam.type is missing: the plugin that gives addresses, host-local for instance"));
    }
    config.ipam = (*ipam)["type"].get<std::string>();
    if (config.ipam.empty() || config.ipam.find('/') != std::string::npos) {
        return std::unexpected(bad("ipam.type must be the name of a program in CNI_PATH"));
    }
    config.whole = std::move(object);
    return config;
}

std::string host_interface_name(const std::string& container, const std::string& interface_name) {
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    std::string name = container;
    name.append("\n").append(interface_name);
    for (const char byte : name) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    }
    constexpr std::uint64_t kDigits = 0xffff'ffff'ffffULL;  // a name has 15 characters at most
    char text[16];
    std::snprintf(text, sizeof text, "dfv%012llx", static_cast<unsigned long long>(hash & kDigits));
    return text;
}

}  // namespace directfaas::cni::ovs
