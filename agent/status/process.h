// SPDX-License-Identifier: Apache-2.0
// The figures every Prometheus client library has about its own process.
#pragma once

namespace directfaas::status {

struct ProcessFigures {
    double resident_bytes = 0;
    double cpu_seconds = 0;
    double start_time = 0;  // seconds since the epoch
};

/// From /proc; zeros where that cannot be read.
ProcessFigures read_process();

}  // namespace directfaas::status
