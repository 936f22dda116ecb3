// SPDX-License-Identifier: Apache-2.0
// What became of many rules at once.
#pragma once

#include <fmt/format.h>

#include <cstddef>

#include "lib/util/result.h"

namespace directfaas::backend::ebpf {

/// Lets the rest of a delta through when one rule fails: a full table must not keep a revocation
/// from taking effect. Reports the first failure.
class Outcome {
   public:
    void add(const util::Result<void>& result) {
        if (result) {
            return;
        }
        if (failed_++ == 0) {
            first_ = result.error();
        }
    }
    [[nodiscard]] util::Result<void> result() const {
        if (failed_ == 0) {
            return {};
        }
        auto error = first_;
        if (failed_ > 1) {
            error.message += fmt::format(" (and {} more rules failed)", failed_ - 1);
        }
        return std::unexpected(error);
    }

   private:
    util::Error first_;
    std::size_t failed_ = 0;
};

}  // namespace directfaas::backend::ebpf
