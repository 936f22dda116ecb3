// SPDX-License-Identifier: Apache-2.0
#include "lib/kube/token_source.h"

#include "lib/util/log.h"

namespace directfaas::kube {
namespace {

std::string trimmed(const std::string& text) {
    constexpr const char* kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    return first == std::string::npos
               ? ""
               : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

util::Result<std::string> read_token(const std::string& path) {
    auto text = read_credential(path);
    if (!text) {
        return util::pass(text.error(), "bearer token");
    }
    auto token = trimmed(*text);
    if (token.empty()) {
        return util::fail("bearer token: " + path + " is empty");
    }
    return token;
}

}  // namespace

util::Result<std::string> TokenSource::token() {
    const std::scoped_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (file_.empty() || (fresh_ && now - read_at_ < keep_)) {
        return token_;
    }
    auto read = read_token(file_);
    if (read) {
        token_ = std::move(*read);
        read_at_ = now;
        fresh_ = true;
    } else if (token_.empty()) {
        return std::unexpected(read.error());
    } else {
        util::log::warning("{}; the last token stays in use", read.error().text());
    }
    return token_;
}

void TokenSource::refused(const std::string& token) {
    const std::scoped_lock lock(mutex_);
    fresh_ = fresh_ && token != token_;
}

}  // namespace directfaas::kube
