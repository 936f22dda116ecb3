// SPDX-License-Identifier: Apache-2.0
// A table that is drawn again and again: in place on a terminal, one below the other elsewhere.
#pragma once

#include <string>

#include "cli/session.h"

namespace directfaas::cli {

class Screen {
   public:
    /// Borrows the session.
    explicit Screen(Session& session);

    /// Draws a sample of rates_between(), with `remarks` (whole lines) below it. With -o json: the
    /// sample on one line, without the remarks.
    void show(const Json& sample, const std::string& remarks = {});

   private:
    Session& session_;
    bool in_place_;
    bool first_ = true;
};

}  // namespace directfaas::cli
