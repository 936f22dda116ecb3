// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/merge.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "lib/util/histogram.h"

namespace directfaas::cli {
namespace {

using Fields = std::span<const char* const>;

std::string raw_text(const Json& item, const char* key) {
    const auto found = item.is_object() ? item.find(key) : item.end();
    const bool text = item.is_object() && found != item.end() && found->is_string();
    return text ? found->get<std::string>() : "";
}

/// Items of all nodes' lists under the texts that tell them apart, sorted by these.
using Key = std::vector<std::string>;
using Grouped = std::map<Key, std::vector<std::pair<const FromNode*, const Json*>>>;

Grouped grouped(const std::vector<FromNode>& answers, const char* list, Fields keys) {
    Grouped groups;
    for (const auto& from : answers) {
        for (const auto& item : list_at(from.answer, list)) {
            Key key;
            key.reserve(keys.size());
            for (const char* name : keys) {
                key.push_back(raw_text(item, name));
            }
            groups[key].emplace_back(&from, &item);
        }
    }
    return groups;
}

using Items = std::vector<std::pair<const FromNode*, const Json*>>;

/// The sum of a counter; null if a node does not count it.
Json sum_of(const Items& items, const char* field) {
    std::uint64_t sum = 0;
    for (const auto& [from, item] : items) {
        if (!number_at(*item, field)) {
            return nullptr;
        }
        sum += count_at(*item, field);
    }
    return sum;
}

/// The sum of the rates that there are.
Json known_sum_of(const Items& items, const char* field) {
    Json sum = nullptr;
    for (const auto& [from, item] : items) {
        if (const auto value = number_at(*item, field)) {
            sum = sum.is_null() ? *value : sum.get<double>() + *value;
        }
    }
    return sum;
}

/// A field of the first that has it.
Json first_of(const Items& items, const char* field) {
    for (const auto& [from, item] : items) {
        if (item->contains(field)) {
            return (*item)[field];
        }
    }
    return nullptr;
}

void add_histogram(const Items& items, Json& edge) {
    std::vector<std::uint64_t> sum;
    bool complete = true;
    for (const auto& [from, item] : items) {
        const auto& buckets = list_at(*item, "handshake_log2_us");
        complete = complete && (!buckets.empty() || !number_at(*item, "handshake_p50_us"));
        sum.resize(std::max(sum.size(), buckets.size()));
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            sum[i] += buckets[i].is_number_unsigned() ? buckets[i].get<std::uint64_t>() : 0;
        }
    }
    for (const auto& [name, share] :
         {std::pair("handshake_p50_us", 0.5), std::pair("handshake_p99_us", 0.99)}) {
        const auto value = complete ? util::log2_quantile(sum, share) : std::nullopt;
        edge[name] = value ? Json(*value) : Json(nullptr);
    }
    edge["handshake_log2_us"] = sum;
}

constexpr const char* kEnds[] = {"from", "to"};

Json edge_of(const Key& ends, const Items& items) {
    Json edge{{"from", ends[0]}, {"to", ends[1]}};
    for (const char* field : {"opened", "open", "closed_by_caller", "closed_by_callee", "reset",
                              "bytes_request", "bytes_reply"}) {
        edge[field] = sum_of(items, field);
    }
    add_histogram(items, edge);
    if (auto declared = first_of(items, "declared"); !declared.is_null()) {
        edge["declared"] = std::move(declared);
    }
    return edge;
}

/// What every node should know alike of a function.
Json known(const Json& function) {
    std::map<std::string, std::string> instances;
    for (const auto& instance : list_at(function, "instances")) {
        instances[text_at(instance, "address")] = text_at(instance, "state");
    }
    auto vips = texts_at(function, "vips");
    std::ranges::sort(vips);
    return {{"vips", vips},
            {"instances", instances},
            {"enforcement", text_at(function, "enforcement")},
            {"ingress", flag_at(function, "ingress")}};
}

Json differing(const std::vector<FromNode>& answers, const Items& items) {
    Json nodes = Json::array();
    for (const auto& answer : answers) {
        const auto its =
            std::ranges::find(items, &answer, [](const auto& item) { return item.first; });
        if (its == items.end() || known(*its->second) != known(*items.front().second)) {
            nodes.push_back(answer.node);
        }
    }
    return nodes;
}

Json instances_of(const Items& items) {
    struct Instance {
        bool ready = false;
        std::uint64_t open = 0;
    };
    std::map<std::string, Instance> instances;
    for (const auto& [from, item] : items) {
        for (const auto& told : list_at(*item, "instances")) {
            auto& instance = instances[raw_text(told, "address")];
            instance.ready = instance.ready || text_at(told, "state") == "ready";
            instance.open += count_at(told, "open");
        }
    }
    Json list = Json::array();
    for (const auto& [address, instance] : instances) {
        list.push_back({{"address", address},
                        {"state", instance.ready ? "ready" : "draining"},
                        {"open", instance.open}});
    }
    return list;
}

Json function_of(const std::vector<FromNode>& answers, const std::string& name,
                 const Items& items) {
    Json function{{"name", name}};
    for (const char* field : {"vips", "enforcement", "ingress"}) {
        function[field] = first_of(items, field);
    }
    auto instances = instances_of(items);
    const auto ready = std::ranges::count_if(
        instances, [](const Json& instance) { return text_at(instance, "state") == "ready"; });
    function["ready"] = ready;
    function["draining"] = instances.size() - static_cast<std::size_t>(ready);
    for (const char* field : {"open", "opened", "denied", "audited", "no_instance", "refused",
                              "held_packets", "held_now"}) {
        function[field] = sum_of(items, field);
    }
    function["instances"] = std::move(instances);
    function["differs_on"] = differing(answers, items);
    return function;
}

Json sample_item(const Key& key, Fields keys, const Items& items, Fields rates) {
    Json item = Json::object();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        item[keys[i]] = key[i];
    }
    std::uint64_t ready = 0;
    for (const auto& [from, told] : items) {
        ready = std::max(ready, count_at(*told, "ready"));
    }
    if (keys.size() == 1) {
        item["ready"] = ready;
        item["held_now"] = sum_of(items, "held_now");
    }
    item["open"] = sum_of(items, "open");
    for (const char* rate : rates) {
        item[rate] = known_sum_of(items, rate);
    }
    return item;
}

Json sample_list(const std::vector<FromNode>& samples, const char* list, Fields keys,
                 Fields rates) {
    Json items = Json::array();
    for (const auto& [key, found] : grouped(samples, list, keys)) {
        items.push_back(sample_item(key, keys, found, rates));
    }
    return items;
}

}  // namespace

Json merged_edges(const std::vector<FromNode>& answers) {
    static constexpr const char* kOfDenial[] = {"from", "to", "reason"};
    Json edges = Json::array();
    for (const auto& [ends, items] : grouped(answers, "edges", kEnds)) {
        edges.push_back(edge_of(ends, items));
    }
    Json denied = Json::array();
    for (const auto& [key, items] : grouped(answers, "denied", kOfDenial)) {
        denied.push_back({{"from", key[0]},
                          {"to", key[1]},
                          {"reason", key[2]},
                          {"calls", sum_of(items, "calls")}});
    }
    return {{"edges", std::move(edges)}, {"denied", std::move(denied)}};
}

Json merged_functions(const std::vector<FromNode>& answers) {
    static constexpr const char* kName[] = {"name"};
    Json functions = Json::array();
    for (const auto& [key, items] : grouped(answers, "functions", kName)) {
        functions.push_back(function_of(answers, key[0], items));
    }
    return {{"functions", std::move(functions)}};
}

Json merged_samples(const std::vector<FromNode>& samples) {
    static constexpr const char* kName[] = {"name"};
    static constexpr const char* kOfFunctions[] = {"calls_per_second", "denied_per_second",
                                                   "no_instance_per_second"};
    static constexpr const char* kOfEdges[] = {"calls_per_second", "bytes_request_per_second",
                                               "bytes_reply_per_second"};
    double seconds = 0;
    bool edges = false;
    for (const auto& sample : samples) {
        seconds = std::max(seconds, number_at(sample.answer, "seconds").value_or(0));
        edges = edges || sample.answer.contains("edges");
    }
    Json merged{{"seconds", seconds}};
    if (edges) {
        merged["edges"] = sample_list(samples, "edges", kEnds, kOfEdges);
    } else {
        merged["functions"] = sample_list(samples, "functions", kName, kOfFunctions);
    }
    return merged;
}

}  // namespace directfaas::cli
