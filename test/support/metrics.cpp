// SPDX-License-Identifier: Apache-2.0
#include "test/support/metrics.h"

#include <algorithm>
#include <sstream>

#include "test/support/servers.h"

namespace directfaas::support {
namespace {

class LineParser {
   public:
    explicit LineParser(const std::string& line) : line_(line) {}

    Sample sample() {
        Sample out;
        out.name = until(" {");
        if (peek() == '{') {
            ++at_;
            while (peek() != '}') {
                const std::string key = until("=");
                expect('=');
                out.labels[key] = quoted();
                if (peek() == ',') {
                    ++at_;
                }
            }
            ++at_;
        }
        expect(' ');
        std::size_t used = 0;
        try {
            out.value = std::stod(line_.substr(at_), &used);
        } catch (const std::exception&) {
            fail();
        }
        return out;
    }

   private:
    [[noreturn]] void fail() const { throw SupportError("not a Prometheus line: " + line_); }
    [[nodiscard]] char peek() const {
        if (at_ >= line_.size()) {
            fail();
        }
        return line_[at_];
    }
    void expect(char wanted) {
        if (peek() != wanted) {
            fail();
        }
        ++at_;
    }
    std::string until(const std::string& ends) {
        const std::size_t end = line_.find_first_of(ends, at_);
        if (end == std::string::npos || end == at_) {
            fail();
        }
        std::string word = line_.substr(at_, end - at_);
        at_ = end;
        return word;
    }
    std::string quoted() {
        std::string text;
        for (expect('"'); peek() != '"'; ++at_) {
            if (peek() == '\\') {
                ++at_;
                text += peek() == 'n' ? '\n' : peek();
            } else {
                text += peek();
            }
        }
        ++at_;
        return text;
    }

    const std::string& line_;
    std::size_t at_ = 0;
};

bool matches(const Sample& sample, const std::string& name,
             const std::map<std::string, std::string>& labels) {
    return sample.name == name && std::ranges::all_of(labels, [&](const auto& wanted) {
               const auto found = sample.labels.find(wanted.first);
               return found != sample.labels.end() && found->second == wanted.second;
           });
}

}  // namespace

Metrics Metrics::parse(const std::string& text) {
    Metrics metrics;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.front() != '#') {
            metrics.samples_.push_back(LineParser(line).sample());
        }
    }
    return metrics;
}

Metrics Metrics::scrape(const Netns& netns, std::uint16_t port) {
    const auto body = http_get(netns, {*util::IpAddress::parse("127.0.0.1"), port}, "/metrics");
    if (!body) {
        throw SupportError(body.error().text());
    }
    return parse(*body);
}

double Metrics::sum(const std::string& name,
                    const std::map<std::string, std::string>& labels) const {
    double total = 0;
    for (const Sample& sample : samples_) {
        total += matches(sample, name, labels) ? sample.value : 0;
    }
    return total;
}

bool Metrics::has(const std::string& name, const std::map<std::string, std::string>& labels) const {
    return std::ranges::any_of(samples_,
                               [&](const Sample& sample) { return matches(sample, name, labels); });
}

std::map<std::string, double> Metrics::by(const std::string& name, const std::string& label) const {
    std::map<std::string, double> values;
    for (const Sample& sample : samples_) {
        if (const auto found = sample.labels.find(label);
            sample.name == name && found != sample.labels.end()) {
            values[found->second] += sample.value;
        }
    }
    return values;
}

}  // namespace directfaas::support
