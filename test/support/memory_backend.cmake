# SPDX-License-Identifier: Apache-2.0
#The backend that keeps rules in memory : apart, so that tests without a kernel link no more.
df_library(df_memory_backend SOURCES memory_backend.cpp LINK df_backend)
