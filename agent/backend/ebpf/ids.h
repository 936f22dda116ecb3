// SPDX-License-Identifier: Apache-2.0
// Hands out the dense numbers that index the switch's arrays. A number is reused as late as
// possible: a packet being judged right now may still hold the old meaning in a register.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace directfaas::backend::ebpf {

class Ids {
   public:
    /// Numbers first .. capacity - 1, all free.
    Ids(std::uint32_t first, std::uint32_t capacity)
        : capacity_(capacity), first_(first), next_(first) {}

    /// Starts again with `used` taken (by index), as read back after a restart.
    void restore(const std::vector<bool>& used) {
        freed_.clear();
        in_use_ = 0;
        next_ = first_;
        for (std::uint32_t id = first_; id < capacity_ && id < used.size(); ++id) {
            if (used[id]) {
                next_ = id + 1;
                ++in_use_;
            }
        }
        for (std::uint32_t id = first_; id < next_; ++id) {
            if (!used[id]) {
                freed_.push_back(id);
            }
        }
    }

    /// Nothing when all are in use.
    std::optional<std::uint32_t> take() {
        if (next_ < capacity_) {
            ++in_use_;
            return next_++;
        }
        if (freed_.empty()) {
            return std::nullopt;
        }
        const std::uint32_t id = freed_.front();
        freed_.pop_front();
        ++in_use_;
        return id;
    }

    void give_back(std::uint32_t id) {
        freed_.push_back(id);
        --in_use_;
    }

    [[nodiscard]] std::uint32_t in_use() const { return in_use_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

   private:
    std::uint32_t capacity_;
    std::uint32_t first_;
    std::uint32_t next_;
    std::uint32_t in_use_ = 0;
    std::deque<std::uint32_t> freed_;
};

}  // namespace directfaas::backend::ebpf
