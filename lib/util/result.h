// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error that reads like a sentence. The only way a function here fails.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace directfaas::util {

/// Why something failed. `message` says what was tried and, if useful, what to do; it never
/// repeats the text of `code`. `code` is an errno value, 0 when the cause was not a system call.
struct Error {
    int code = 0;
    std::string message;

    /// "message: text of code", or the message alone.
    [[nodiscard]] std::string text() const {
        return code == 0 ? message : message + ": " + std::strerror(code);
    }
    /// The same error with an outer sentence in front: "context: message".
    [[nodiscard]] Error in(const std::string& context) const {
        return {code, context + ": " + message};
    }
};

/// std::expected with an Error, warning when it is dropped.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
   public:
    using std::expected<T, Error>::expected;
};

/// An Error without a system call behind it: `return fail("...")`.
inline std::unexpected<Error> fail(std::string message) {
    return std::unexpected<Error>(Error{0, std::move(message)});
}

/// An Error for a failed system call; takes errno unless told otherwise.
inline std::unexpected<Error> fail_errno(std::string message, int code = errno) {
    return std::unexpected<Error>(Error{code, std::move(message)});
}

/// What failed, with errno's text: for places that have no use for a Result.
[[nodiscard]] inline std::string with_errno(std::string what, int code = errno) {
    return Error{code, std::move(what)}.text();
}

/// Pass an error on, with an outer sentence.
inline std::unexpected<Error> pass(const Error& error, const std::string& context) {
    return std::unexpected<Error>(error.in(context));
}

}  // namespace directfaas::util
