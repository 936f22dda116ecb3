// SPDX-License-Identifier: Apache-2.0
#include "agent/backend/ebpf/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "lib/util/log.h"

namespace directfaas::backend::ebpf {
namespace {

constexpr std::size_t kKept = 4096;
constexpr std::size_t kShown = 800;

thread_local LibbpfLog* current = nullptr;

int print(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) {
        return 0;
    }
    char* line = nullptr;
    const int length = vasprintf(&line, format, arguments);
    if (length < 0) {
        return 0;
    }
    const std::unique_ptr<char, void (*)(void*)> owner(line, std::free);
    if (current != nullptr) {
        current->add(line);
    } else {
        util::log::debug("libbpf: {}", line);
    }
    return length;
}

}  // namespace

LibbpfLog::LibbpfLog() : outer_(current) { current = this; }

LibbpfLog::~LibbpfLog() { current = outer_; }

void LibbpfLog::add(const char* text) {
    text_ += text;
    if (text_.size() > 2 * kKept) {
        text_.erase(0, text_.size() - kKept);
    }
}

std::string LibbpfLog::tail() const {
    std::string shown = text_.size() > kShown ? text_.substr(text_.size() - kShown) : text_;
    for (char& c : shown) {
        c = c == '\n' ? '|' : c;
    }
    return shown;
}

void route_libbpf_messages() { libbpf_set_print(print); }

}  // namespace directfaas::backend::ebpf
