// SPDX-License-Identifier: Apache-2.0
// Chunks of bytes → lines. A watch sends one event per line; chunks end anywhere.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace directfaas::kube {

class LineSplitter {
   public:
    enum class State { kOpen, kEnough, kTooLong };
    /// False: no more lines are wanted.
    using OnLine = std::function<bool(std::string_view line)>;

    explicit LineSplitter(std::size_t max_line) : max_line_(max_line) {}

    /// Gives every line that is complete, without its end; blank ones are skipped. The views are
    /// gone after the call. Once it returned another state than kOpen it is not to be fed again.
    State feed(std::string_view bytes, const OnLine& on_line) {
        for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
            const auto state = finish(bytes.substr(0, end), on_line);
            bytes.remove_prefix(end + 1);
            if (state != State::kOpen) {
                return state;
            }
        }
        if (begun_.size() + bytes.size() > max_line_) {
            return State::kTooLong;
        }
        begun_.append(bytes);
        return State::kOpen;
    }

    /// Bytes of a line whose end has not come.
    [[nodiscard]] std::size_t waiting() const { return begun_.size(); }

   private:
    State finish(std::string_view rest, const OnLine& on_line) {
        if (begun_.size() + rest.size() > max_line_) {
            return State::kTooLong;
        }
        std::string_view line = rest;
        if (!begun_.empty()) {
            begun_.append(rest);
            line = begun_;
        }
        while (line.ends_with('\r') || line.ends_with(' ')) {
            line.remove_suffix(1);
        }
        const bool more = line.empty() || on_line(line);
        if (begun_.capacity() > kKeep) {
            begun_ = {};  // after one large object
        }
        begun_.clear();
        return more ? State::kOpen : State::kEnough;
    }

    static constexpr std::size_t kKeep = 256U << 10;
    std::size_t max_line_;
    std::string begun_;
};

}  // namespace directfaas::kube
