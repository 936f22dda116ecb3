// SPDX-License-Identifier: Apache-2.0
// Bytes in network order, written and read one field after the other.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace directfaas::backend::ovs {

using Bytes = std::vector<std::uint8_t>;

class Writer {
   public:
    /// Appends an integer, most significant byte first.
    template <std::unsigned_integral Value>
    Writer& put(Value value) {
        for (int shift = static_cast<int>(sizeof(Value)) * 8 - 8; shift >= 0; shift -= 8) {
            bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
        }
        return *this;
    }
    Writer& u8(unsigned value) { return put(static_cast<std::uint8_t>(value)); }
    Writer& u16(unsigned value) { return put(static_cast<std::uint16_t>(value)); }
    Writer& u32(std::uint32_t value) { return put(value); }
    Writer& u64(std::uint64_t value) { return put(value); }
    Writer& raw(std::span<const std::uint8_t> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Writer& zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    /// Zeros until the length since `start` is a multiple of 8.
    Writer& pad(std::size_t start = 0) { return zeros((8 - (bytes_.size() - start) % 8) % 8); }
    /// Overwrites two bytes: a length that was not known yet.
    Writer& patch(std::size_t at, std::size_t value) {
        bytes_[at] = static_cast<std::uint8_t>(value >> 8);
        bytes_[at + 1] = static_cast<std::uint8_t>(value);
        return *this;
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    [[nodiscard]] Bytes take() { return std::move(bytes_); }

   private:
    Bytes bytes_;
};

/// Reads what a Writer wrote. Beyond the end everything is zero and ok() is false.
class Reader {
   public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    template <std::unsigned_integral Value>
    Value get() {
        Value value = 0;
        for (const std::uint8_t byte : take(sizeof(Value))) {
            value = static_cast<Value>((static_cast<std::uint64_t>(value) << 8) | byte);
        }
        return value;
    }
    std::uint8_t u8() { return get<std::uint8_t>(); }
    std::uint16_t u16() { return get<std::uint16_t>(); }
    std::uint32_t u32() { return get<std::uint32_t>(); }
    std::uint64_t u64() { return get<std::uint64_t>(); }
    /// The next `count` bytes, fewer if there are no more.
    std::span<const std::uint8_t> take(std::size_t count) {
        if (count > bytes_.size()) {
            ok_ = false;
            count = bytes_.size();
        }
        const auto taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }
    void skip(std::size_t count) { static_cast<void>(take(count)); }
    [[nodiscard]] std::size_t left() const { return bytes_.size(); }
    [[nodiscard]] bool ok() const { return ok_; }

   private:
    std::span<const std::uint8_t> bytes_;
    bool ok_ = true;
};

}  // namespace directfaas::backend::ovs
