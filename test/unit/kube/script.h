// SPDX-License-Identifier: Apache-2.0
// A fake apiserver with a scripted answer for each list and each watch, and a sink that shows what
// a reflector made of them.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/kube/reflector.h"
#include "test/unit/kube/fake_apiserver.h"

namespace directfaas::kube {

/// JSON texts. A version is also the generation that tests compare.
std::string object(std::string_view name, int version, std::string_view uid = "u");
std::string list(int version, const std::vector<std::string>& items,
                 std::string_view continuation = "");
std::string event(std::string_view type, const std::string& object);
std::string bookmark(int version);
std::string status(int code, std::string_view reason, std::string_view details = "{}");

class Script {
   public:
    using Step = FakeApiserver::Handler;

    /// For the next list, watch, or other request that has no answer yet. Without one, a list is
    /// empty at version 1 and a watch stays silent.
    Script& on_list(Step step);
    Script& on_list(int version, const std::vector<std::string>& items);
    Script& on_watch(Step step);

    void answer(const FakeRequest& request, FakeAnswer& answer);
    /// "list 0", "watch 7", "list - limit=500": the version asked for.
    [[nodiscard]] std::vector<std::string> requests() const;
    [[nodiscard]] FakeRequest last_watch() const;

   private:
    mutable std::mutex mutex_;
    std::deque<Step> lists_;
    std::deque<Step> watches_;
    std::vector<std::string> requests_;
    FakeRequest last_watch_;
};

/// A step: these lines, then silence.
Script::Step lines_then_silence(std::vector<std::string> lines);
/// A step: these lines, then the proper end.
Script::Step lines_then_end(std::vector<std::string> lines);

class ShowingSink final : public ReflectorSink {
   public:
    void replace(const std::vector<RawObject>& objects) override;
    void upsert(const RawObject& object) override;
    void erase(const RawObject& object) override;

    /// "a=1 b=2"
    [[nodiscard]] std::string shown() const;
    /// Waits until shown() is this; if it does not become so, returns what it is.
    [[nodiscard]] std::string becomes(const std::string& wanted) const;
    [[nodiscard]] int calls() const;

   private:
    [[nodiscard]] std::string text() const;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<ObjectKey, std::string> objects_;
    int calls_ = 0;
};

/// No wait longer than milliseconds, every watch short.
ReflectorOptions quick();

}  // namespace directfaas::kube
