// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/election.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/kube/json_text.h"

namespace directfaas::kube {
namespace {

constexpr const char* kNotUnderstood = "the Lease is not understood";

}  // namespace

Election::Election(Client& client, ElectionOptions options, Now now)
    : client_(client),
      options_(std::move(options)),
      now_(std::move(now)),
      leases_{.path =
                  fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases", options_.ns)} {}

bool Election::leading() const { return led_at_ && now_() - *led_at_ < options_.deadline; }

std::optional<Election::Record> Election::read(const std::string& lease) {
    const auto object = read_object(lease);
    const auto spec = json::member(lease, "spec");
    if (!object || object->resource_version.empty()) {
        return std::nullopt;
    }
    Record record{.version = object->resource_version,
                  .holder = "",
                  .acquired = "",
                  .renewed = "",
                  .transitions = 0};
    if (spec) {
        record.holder = json::text_member(*spec, "holderIdentity");
        record.acquired = json::text_member(*spec, "acquireTime");
        record.renewed = json::text_member(*spec, "renewTime");
        record.transitions = json::number_member(*spec, "leaseTransitions").value_or(0);
    }
    return record;
}

std::string Election::text_of(const Record& record) const {
    nlohmann::json lease{
        {"apiVersion", "coordination.k8s.io/v1"},
        {"kind", "Lease"},
        {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}},
        {"spec",
         {{"holderIdentity", record.holder},
          {"leaseDurationSeconds",
           std::max<std::int64_t>(
               1, std::chrono::duration_cast<std::chrono::seconds>(options_.lease).count())},
          {"acquireTime", record.acquired},
          {"renewTime", record.renewed},
          {"leaseTransitions", record.transitions}}}};
    if (!record.version.empty()) {
        lease["metadata"]["resourceVersion"] = record.version;
    }
    return lease.dump();
}

void Election::note(const Record& record) {
    if (!exists_ || !record.same_sign_of_life(seen_)) {
        seen_at_ = now_();
    }
    exists_ = true;
    seen_ = record;
}

void Election::look() {
    const auto answer = client_.get(object_path(leases_, options_.name));
    if (!answer && answer.error().not_found()) {
        exists_ = false;
        seen_ = {};
        return;
    }
    const auto record = answer ? read(*answer) : std::nullopt;
    if (!record) {
        trouble_ = answer ? kNotUnderstood : answer.error().text();
        return;
    }
    note(*record);
}

/// Sends a Lease that names this process, or nobody.
void Election::write(Record record) {
    const auto begun = now_();
    record.version = exists_ ? seen_.version : "";
    const auto answer = exists_
                            ? client_.replace(object_path(leases_, options_.name), text_of(record))
                            : client_.create(leases_.path, text_of(record));
    if (!answer) {
        trouble_ = answer.error().text();
        return;
    }
    const auto written = read(*answer);
    if (!written) {
        trouble_ = kNotUnderstood;
        return;
    }
    note(*written);
    led_at_ = record.holder.empty() ? std::nullopt : std::optional(begun);
}

void Election::step() {
    trouble_.clear();
    // A leader writes over what it wrote last; only if that fails is there something to look at.
    const bool renewing = leading();
    if (!renewing) {
        look();
    }
    if (!trouble_.empty()) {
        return;
    }
    const bool own = seen_.holder == options_.identity;
    if (exists_ && !own && !seen_.holder.empty() && now_() - seen_at_ < options_.lease) {
        led_at_.reset();
        return;
    }
    Record record = seen_;
    record.renewed = micro_time(std::chrono::system_clock::now());
    if (!own) {
        record.holder = options_.identity;
        record.acquired = record.renewed;
        record.transitions = exists_ ? seen_.transitions + 1 : 0;
    }
    write(std::move(record));
    if (!trouble_.empty() && renewing) {
        const auto why = std::exchange(trouble_, "");
        look();
        if (seen_.holder != options_.identity) {
            led_at_.reset();
        }
        trouble_ = why;
    }
}

void Election::resign() {
    if (!leading()) {
        return;
    }
    led_at_.reset();
    Record record = seen_;
    record.holder.clear();
    record.renewed = micro_time(std::chrono::system_clock::now());
    write(std::move(record));
}

}  // namespace directfaas::kube
