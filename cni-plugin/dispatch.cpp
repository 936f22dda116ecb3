// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/dispatch.h"

#include <exception>

namespace directfaas::cni {
namespace {

Result version(std::string_view input) {
    const auto object = Json::parse(input, nullptr, false);
    std::string wanted;
    if (object.is_object() && object.contains("cniVersion") && object["cniVersion"].is_string()) {
        wanted = object["cniVersion"].get<std::string>();
    }
    return text({{"cniVersion", is_supported(wanted) ? wanted : supported_versions().back()},
                 {"supportedVersions", supported_versions()}});
}

/// The first version of the specification that has the command; "" for an unknown command.
std::string since(const std::string& command) {
    if (command == "ADD") {
        return "0.3.0";
    }
    if (command == "CHECK") {
        return "0.4.0";
    }
    return command == "GC" || command == "STATUS" ? "1.1.0" : "";
}

Result dispatch(const Verbs& verbs, const Call& call, std::string_view input,
                std::string& version_seen, std::string& notes) {
    if (auto missing = call.missing()) {
        return std::unexpected(*missing);
    }
    if (call.command == "VERSION") {
        return version(input);
    }
    const auto least = since(call.command);
    if (least.empty()) {
        return std::unexpected(
            CniError{Code::kEnvironment, "unknown CNI_COMMAND: " + call.command, ""});
    }
    const auto config = Config::parse(input);
    if (!config) {
        return std::unexpected(config.error());
    }
    version_seen = config->cni_version;
    if (!at_least(config->cni_version, least)) {
        return std::unexpected(CniError{Code::kVersion,
                                        call.command + " needs cniVersion " + least + " or later",
                                        "the configuration says " + config->cni_version});
    }
    const Verbs::Given given{call, *config, input};
    if (call.command == "ADD") {
        return verbs.add(given, notes);
    }
    if (call.command == "CHECK") {
        return verbs.check(given, notes);
    }
    return call.command == "GC" ? verbs.collect(given, notes) : verbs.status(given, notes);
}

}  // namespace

std::string text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Outcome run(const Verbs& verbs, const Call& call, std::string_view input) noexcept {
    Outcome outcome;
    std::string version_seen;
    try {
        if (call.command == "DEL") {
            verbs.remove(call, input, outcome.notes);
            return outcome;
        }
        auto result = dispatch(verbs, call, input, version_seen, outcome.notes);
        outcome.exit_status = result ? 0 : 1;
        outcome.result = result ? *result : text(error_json(result.error(), version_seen));
        outcome.notes += result ? "" : result.error().message + " " + result.error().details + "\n";
    } catch (const std::exception& error) {
        outcome.exit_status = call.command == "DEL" ? 0 : 1;
        outcome.notes += std::string(error.what()) + "\n";
        outcome.result = call.command == "DEL"
                             ? ""
                             : text(error_json({Code::kInternal, error.what(), ""}, version_seen));
    }
    return outcome;
}

}  // namespace directfaas::cni
