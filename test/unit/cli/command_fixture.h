// SPDX-License-Identifier: Apache-2.0
// Runs whole commands in the test's own process, with a fake agent and a world of the test's own.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "test/unit/cli/fake_agent.h"

namespace directfaas::cli {

/// A pipe whose content can be read at any time without blocking; large enough for the tests.
class Captured {
   public:
    Captured() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        reader_.reset(ends[0]);
        writer_.reset(ends[1]);
        EXPECT_GE(::fcntl(writer_.get(), F_SETPIPE_SZ, 1 << 20), 0);
        ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    }
    [[nodiscard]] int fd() const { return writer_.get(); }
    void close_reader() { reader_.reset(); }
    [[nodiscard]] std::string text() const {
        std::string all;
        std::array<char, 4096> chunk{};
        for (ssize_t got = 0; (got = ::read(reader_.get(), chunk.data(), chunk.size())) > 0;) {
            all.append(chunk.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

   private:
    util::UniqueFd reader_;
    util::UniqueFd writer_;
};

struct Ended {
    int exit = -1;
    std::string out;
    std::string err;
};

class CommandTest : public testing::Test {
   protected:
    void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

    Ended run_words(const std::vector<std::string>& words) {
        auto options = parse_options(words);
        if (!options) {
            return {options.error().exit, "", options.error().text};
        }
        Output out(out_.fd());
        Output err(err_.fd());
        World world{out, err, run_.path(), {}, {}, program_, validate_, patience_};
        const int exit = run(*options, world);
        return {exit, out_.text(), err_.text()};
    }

    [[nodiscard]] std::string socket() const { return run_.path() + "/node-1.sock"; }

    /// Runs `words` while an agent gives `answer`, and returns the request the agent saw.
    nlohmann::json request_of(const std::vector<std::string>& words,
                              const std::string& answer = R"({"ok":true})") {
        nlohmann::json seen;
        {
            const FakeAgent agent(socket(), [&](Peer& peer) {
                seen = peer.request();
                peer.send(answer + "\n");
            });
            ended_ = run_words(words);
        }
        ::unlink(socket().c_str());
        return seen;
    }

    /// Runs `words` while an agent follows `script`.
    Ended against(const std::vector<std::string>& words, const std::function<void(Peer&)>& script) {
        Ended ended;
        {
            const FakeAgent agent(socket(), script);
            ended = run_words(words);
        }
        ::unlink(socket().c_str());
        return ended;
    }

    TemporaryDirectory run_;
    Captured out_;
    Captured err_;
    std::chrono::milliseconds patience_{20000};
    std::vector<std::vector<std::string>> started_;
    util::Result<ProgramEnd> program_end_ = ProgramEnd{};
    RunProgram program_ = [this](const std::vector<std::string>& words) {
        started_.push_back(words);
        return program_end_;
    };
    std::vector<model::Problem> problems_;
    std::function<std::vector<model::Problem>(const std::vector<std::string>&,
                                              const model::NodeSettings&)>
        validate_ = [this](const auto&, const auto&) { return problems_; };
    Ended ended_;
};

}  // namespace directfaas::cli
