// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <fmt/format.h>

namespace directfaas::cli {
namespace {

std::string json_text(const Json& object, int indent) {
    // ASCII only, so that no name can steer a terminal.
    return object.dump(indent, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::expected<Target, Failure> Session::target() const {
    return find_agent(options_, world_.run_directory);
}

Answer Session::ask_agent(const Json& request, std::chrono::milliseconds extra) {
    const auto found = target();
    if (!found) {
        return std::unexpected(found.error());
    }
    return ask(*found, request, world_.patience + extra);
}

void Session::print(Json answer, const std::string& text) {
    if (options_.format == Format::kTable) {
        world_.out.write(text);
        return;
    }
    answer.erase("ok");
    world_.out.write(json_text(answer, 2));
}

void Session::print_line(const Json& object, const std::string& text) {
    world_.out.write(options_.format == Format::kTable ? text : json_text(object, -1));
}

void Session::note(std::string_view text) {
    world_.err.write(
        fmt::format("{} {}\n", world_.err_style.paint(Tone::kDim, world_.program + ":"), text));
}

int Session::fail(const Failure& failure) {
    if (options_.format == Format::kJson) {
        Json object{{"error", failure.message}};
        if (!failure.advice.empty()) {
            object["advice"] = failure.advice;
        }
        if (!failure.code.empty()) {
            object["code"] = failure.code;
        }
        world_.out.write(json_text(object, 2));
    }
    std::string text = fmt::format(
        "{} {}\n", world_.err_style.paint(Tone::kBad, world_.program + ":"), failure.message);
    if (!failure.advice.empty()) {
        text += "  " + failure.advice + "\n";
    }
    world_.err.write(text);
    return failure.exit;
}

int Session::end(ExitCode exit) {
    const int failure = world_.out.failure();
    if (failure == 0 || failure == EPIPE) {
        return exit;
    }
    world_.err.write(
        fmt::format("{}: cannot write the output: {}\n", world_.program, std::strerror(failure)));
    return kExitRefused;
}

int Session::show(const Answer& answer, const std::function<ExitCode(const Json&)>& answered) {
    return answer ? end(answered(*answer)) : fail(answer.error());
}

}  // namespace directfaas::cli
