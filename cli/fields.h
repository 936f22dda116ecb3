// SPDX-License-Identifier: Apache-2.0
// Reading an answer of the agent. Missing fields and wrong types read as empty, so that an older or
// newer agent never breaks dfctl; text comes out safe to print, so nothing else has to think of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace directfaas::cli {

using Json = nlohmann::ordered_json;  // -o json keeps the order of the protocol

/// The field as printable text; numbers and booleans as JSON writes them; "" if absent.
std::string text_at(const Json& object, const char* key);
/// Non-negative whole number; 0 if absent, negative or no number.
std::uint64_t count_at(const Json& object, const char* key);
/// Any finite number, or nothing.
std::optional<double> number_at(const Json& object, const char* key);
/// False if absent.
bool flag_at(const Json& object, const char* key);
/// The array, or an empty one.
const Json& list_at(const Json& object, const char* key);
/// The object, or an empty one.
const Json& object_at(const Json& object, const char* key);
/// Items of a list of strings, printable; others are left out.
std::vector<std::string> texts_at(const Json& object, const char* key);

/// "bookinfo.yaml:31" from {file, line}, "" without a file.
std::string place_text(const Json& place);

}  // namespace directfaas::cli
