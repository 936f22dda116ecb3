// SPDX-License-Identifier: Apache-2.0
// dfctl's way into the agent: docs/control-protocol.md on a unix socket.
#pragma once

#include <memory>
#include <string>

#include "agent/control/agent_access.h"
#include "agent/control/event_log.h"
#include "agent/control/line_server.h"
#include "agent/control/removal.h"
#include "agent/control/request.h"
#include "agent/control/socket_file.h"
#include "lib/util/event_loop.h"
#include "lib/util/result.h"

namespace directfaas::control {

struct ControlOptions {
    std::string socket;
    LineLimits limits;
    std::size_t remembered_events = 4096;
};

/// Everything on the loop's thread. `agent` must outlive it.
class Control {
   public:
    /// Fails if another agent serves the socket; see SocketFile.
    static util::Result<std::unique_ptr<Control>> create(util::EventLoop& loop, AgentAccess& agent,
                                                         const ControlOptions& options);
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// Takes what Backend::drain reports.
    void take(const backend::FlowEvent& event) { events_.take(event); }
    /// As `detach all`: removes the instance once no connection is open, at the latest after
    /// `timeout`. Ends the agent when everything is gone; after a failure the agent goes on.
    void remove(std::chrono::milliseconds timeout);
    /// Whether `detach all` is under way.
    [[nodiscard]] bool removing() const { return removal_.running(); }

   private:
    using ClientId = LineServer::ClientId;

    Control(util::EventLoop& loop, AgentAccess& agent, SocketFile socket,
            const ControlOptions& options);
    void on_request(ClientId client, std::string_view line);
    void reply(ClientId client, const Answer& answer);
    Answer dispatch(ClientId client, Request& request, bool& answered_later);
    Answer observe(ClientId client, Request& request, bool& answered_already);
    Answer explain(Request& request);
    Answer attach(Request& request);
    Answer detach(ClientId client, Request& request, bool& answered_later);
    void update_trace();
    // control_cni.cpp
    std::optional<Answer> cni(ClientId client, const Request& request, bool& answered_later);
    Answer cni_add(ClientId client, const Request& request, bool& answered_later);

    AgentAccess& agent_;
    SocketFile socket_;
    EventLog events_;
    Removal removal_;
    bool tracing_ = false;
    std::unique_ptr<LineServer> server_;
};

}  // namespace directfaas::control
