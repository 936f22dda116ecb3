// SPDX-License-Identifier: Apache-2.0
// The names of maps/verdicts.h for everybody above the backends.
#include <array>

#include "agent/backend/backend.h"

namespace directfaas::backend {
namespace {

struct ReasonText {
    std::string_view name;
    bool drop;
    std::string_view text;
};

constexpr bool kClass_note = false;
constexpr bool kClass_drop = true;
constexpr std::array<ReasonText, DF_REASON_MAX> kReasons{{
#define X(name, text, cls, doc) {text, kClass_##cls, doc},
    DF_REASONS(X)
#undef X
}};

constexpr std::array<std::string_view, DF_VERDICT_MAX> kVerdicts{
#define X(name, text, doc) text,
    DF_VERDICTS(X)
#undef X
};

constexpr std::array<std::string_view, DF_HOOK_MAX> kHooks{"from_pod", "to_pod", "uplink"};

}  // namespace

std::string_view reason_name(df_reason reason) {
    return reason < DF_REASON_MAX ? kReasons[reason].name : "unknown";
}
std::string_view reason_text(df_reason reason) {
    return reason < DF_REASON_MAX ? kReasons[reason].text : "";
}
bool reason_is_drop(df_reason reason) { return reason < DF_REASON_MAX && kReasons[reason].drop; }
std::string_view verdict_name(df_verdict verdict) {
    return verdict < DF_VERDICT_MAX ? kVerdicts[verdict] : "unknown";
}
std::string_view hook_name(df_hook hook) { return hook < DF_HOOK_MAX ? kHooks[hook] : "unknown"; }

}  // namespace directfaas::backend
