// SPDX-License-Identifier: Apache-2.0
#include "cni-plugin/ovs/verbs.h"

#include <algorithm>
#include <csignal>

#include "cni-plugin/ovs/database.h"
#include "cni-plugin/ovs/ipam.h"
#include "cni-plugin/ovs/netns.h"
#include "cni-plugin/ovs/pod_link.h"

namespace directfaas::cni::ovs {
namespace {

/// What one invocation works with.
struct Tools {
    NetworkConfig config;
    Ipam ipam;
    Database database;
    std::string datapath;

    static std::expected<Tools, CniError> find(const Call& call, std::string_view input) {
        auto config = NetworkConfig::parse(input);
        if (!config) {
            return std::unexpected(config.error());
        }
        auto ipam = Ipam::find(call, *config);
        if (!ipam) {
            return std::unexpected(ipam.error());
        }
        auto database = Database::open(config->database());
        if (!database) {
            return std::unexpected(
                CniError{Code::kTryAgain, "reach Open vSwitch", database.error()});
        }
        const auto datapath = database->datapath(config->bridge);
        if (!datapath || !*datapath) {
            return std::unexpected(
                CniError{Code::kTryAgain, "there is no bridge " + config->bridge,
                         datapath ? "`ovs-vsctl add-br " + config->bridge + "` makes one"
                                  : datapath.error()});
        }
        return Tools{std::move(*config), std::move(*ipam), std::move(*database), **datapath};
    }
};

Json result_of(const Call& call, const Config& config, const Tools& tools, const Json& given,
               const PodLink& link) {
    constexpr int kPodInterface = 2;  // in the list below
    Json ips = given.value("ips", Json::array());
    for (auto& ip : ips) {
        ip["interface"] = kPodInterface;
    }
    Json result{
        {"cniVersion", config.cni_version},
        {"interfaces",
         Json::array(
             {Json{{"name", tools.config.bridge}, {"mac", mac_of(tools.config.bridge)}},
              Json{{"name", link.host_name}, {"mac", link.host_mac}},
              Json{
                  {"name", call.interface_name}, {"mac", link.pod_mac}, {"sandbox", call.netns}}})},
        {"ips", std::move(ips)}};
    if (given.contains("routes")) {
        result["routes"] = given["routes"];
    }
    result["dns"] = given.value("dns", Json::object());
    return result;
}

/// Everything of an attachment, whatever of it is there. What fails is noted.
void take_down(Tools& tools, const Attachment& attachment, std::string& notes) {
    const auto name = host_interface_name(attachment.container, attachment.interface_name);
    if (auto removed = tools.database.remove_port(name); !removed) {
        notes += removed.error() + "\n";
    }
    if (auto deleted = delete_link(name); !deleted) {
        notes += deleted.error() + "\n";
    }
    if (auto released = tools.ipam.remove(attachment.container, attachment.interface_name);
        !released) {
        notes += released.error().message + " " + released.error().details + "\n";
    }
}

Result add(const Verbs::Given& given, std::string& notes) {
    auto tools = Tools::find(given.call, given.input);
    if (!tools) {
        return std::unexpected(tools.error());
    }
    const Attachment attachment{given.call.container, given.call.interface_name};
    const auto undo = [&](const std::string& message, const std::string& why) {
        take_down(*tools, attachment, notes);
        return std::unexpected(CniError{Code::kInternal, message, why});
    };
    const auto addresses = tools->ipam.run("ADD");
    if (!addresses) {
        return std::unexpected(addresses.error());
    }
    const auto network = PodNetwork::of(*addresses);
    if (!network) {
        return undo("take the addresses", network.error());
    }
    const auto link =
        make_pod_link(given.call, tools->config, *network, tools->datapath == "netdev");
    if (!link) {
        return undo("make the pod's interface", link.error());
    }
    if (auto added = tools->database.add_port(tools->config.bridge, {link->host_name, attachment});
        !added) {
        return undo("put the pod on the bridge", added.error());
    }
    return text(result_of(given.call, given.config, *tools, *addresses, *link));
}

Result check(const Verbs::Given& given, std::string& /*notes*/) {
    auto tools = Tools::find(given.call, given.input);
    if (!tools) {
        return std::unexpected(tools.error());
    }
    const auto wrong = [](const std::string& message) {
        return std::unexpected(CniError{Code::kNotEnforced, message, ""});
    };
    const auto name = host_interface_name(given.call.container, given.call.interface_name);
    const auto ports = tools->database.ports();
    if (!ports || std::ranges::find(*ports, name, &Port::name) == ports->end()) {
        return wrong(ports ? name + " is no port of the bridge" : ports.error());
    }
    const auto netns = open_netns(given.call.netns);
    if (!netns || mac_of(name).empty()) {
        return wrong(netns ? "the interface " + name + " is gone" : netns.error());
    }
    auto inside = in_netns(netns->get(), [&]() -> Done {
        return mac_of(given.call.interface_name).empty()
                   ? Done(std::unexpected("the pod has no interface " + given.call.interface_name))
                   : Done();
    });
    if (!inside) {
        return wrong(inside.error());
    }
    const auto addresses = tools->ipam.run("CHECK");
    return addresses ? Result("") : std::unexpected(addresses.error());
}

/// The runtime may never come again, so as much as can be is taken down, and no failure is told.
void remove(const Call& call, std::string_view input, std::string& notes) {
    if (call.container.empty() || call.interface_name.empty()) {
        notes += "CNI_CONTAINERID or CNI_IFNAME is not set: nothing to remove\n";
        return;
    }
    const Attachment attachment{call.container, call.interface_name};
    if (auto tools = Tools::find(call, input)) {
        take_down(*tools, attachment, notes);
        return;
    } else {
        notes += tools.error().message + " " + tools.error().details + "\n";
    }
    // Without Open vSwitch or its database the interface and the address go all the same.
    if (auto gone = delete_link(host_interface_name(call.container, call.interface_name)); !gone) {
        notes += gone.error() + "\n";
    }
    const auto config = NetworkConfig::parse(input);
    const auto ipam = config ? Ipam::find(call, *config) : std::unexpected(config.error());
    const auto released = ipam ? ipam->remove(attachment.container, attachment.interface_name)
                               : std::unexpected(ipam.error());
    if (!released) {
        notes += released.error().message + " " + released.error().details + "\n";
    }
}

/// A missing list means "do nothing", never "everything is stale".
Result collect(const Verbs::Given& given, std::string& notes) {
    if (!given.config.valid_attachments) {
        notes += "no list of valid attachments: nothing is removed\n";
        return "";
    }
    std::vector<Attachment> valid;
    for (const auto& item : *given.config.valid_attachments) {
        if (!item.is_object() || !item.contains("containerID") || !item.contains("ifname")) {
            return std::unexpected(CniError{Code::kConfig,
                                            "an item of cni.dev/valid-attachments is wrong",
                                            "each has containerID and ifname"});
        }
        valid.push_back({item["containerID"], item["ifname"]});
    }
    auto tools = Tools::find(given.call, given.input);
    if (!tools) {
        return std::unexpected(tools.error());
    }
    const auto ports = tools->database.ports();
    if (!ports) {
        return std::unexpected(
            CniError{Code::kInputOutput, "list the bridge's ports", ports.error()});
    }
    for (const auto& port : *ports) {
        if (std::ranges::find(valid, port.attachment) == valid.end()) {
            take_down(*tools, port.attachment, notes);
        }
    }
    if (tools->ipam.knows("1.1.0")) {
        if (const auto done = tools->ipam.run("GC"); !done) {
            return std::unexpected(done.error());
        }
    }
    return "";
}

Result status(const Verbs::Given& given, std::string& /*notes*/) {
    const auto tools = Tools::find(given.call, given.input);
    if (!tools) {
        return std::unexpected(
            CniError{Code::kNotAvailable, tools.error().message, tools.error().details});
    }
    if (tools->ipam.knows("1.1.0")) {
        if (const auto done = tools->ipam.run("STATUS"); !done) {
            return std::unexpected(
                CniError{Code::kNotAvailable, done.error().message, done.error().details});
        }
    }
    return "";
}

}  // namespace

Outcome run(const Call& call, std::string_view input) noexcept {
    std::signal(SIGPIPE, SIG_IGN);  // a delegate that does not read
    static const Verbs kVerbs{
        .add = add, .check = check, .collect = collect, .status = status, .remove = remove};
    return cni::run(kVerbs, call, input);
}

}  // namespace directfaas::cni::ovs
