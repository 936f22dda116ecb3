// SPDX-License-Identifier: Apache-2.0
// The authorities that are trusted at one time, and which of them signs. Two overlap: the next one
// is published before it signs, the last one stays until it runs out. Follows from the certificates
// and the time alone, so that all replicas come to the same result.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "controller/ca/certificate.h"

namespace directfaas::controller {

struct CaTerms {
    std::chrono::seconds life = std::chrono::days{365};  // of an authority
    /// An authority is known for so long before it signs: the time that clients may take to read
    /// the bundle again.
    std::chrono::seconds settling = std::chrono::days{1};
    std::chrono::seconds server_life = std::chrono::days{7};
    /// Certificates are valid from so long before they are made: clocks differ.
    std::chrono::seconds skew = std::chrono::minutes{10};
};

class Authorities {
   public:
    Authorities() = default;

    /// From what bundle() and keys() gave. What cannot be used is left out, and `troubles` says
    /// why; nothing at all is no trouble.
    static Authorities read(const std::string& bundle, const std::string& keys,
                            std::vector<std::string>& troubles);

    /// Drops what has run out, and makes the next authority when there is none or the newest has
    /// less than a third of its life left. False: nothing had to be changed.
    util::Result<bool> settle(const CaTerms& terms, WallTime now);

    [[nodiscard]] bool empty() const { return all_.empty(); }
    /// The newest that has settled, or the oldest; there must be one.
    [[nodiscard]] const Certified& signer(const CaTerms& terms, WallTime now) const;
    /// When the signer runs out.
    [[nodiscard]] WallTime signer_until(const CaTerms& terms, WallTime now) const;
    /// All certificates, newest first: what a client trusts.
    [[nodiscard]] std::string bundle() const;
    /// Their keys, in the same order.
    [[nodiscard]] std::string keys() const;
    [[nodiscard]] std::size_t size() const { return all_.size(); }

   private:
    struct Authority {
        Certified certified;
        Validity validity;
    };

    [[nodiscard]] const Authority& signing(const CaTerms& terms, WallTime now) const;
    void sort();

    std::vector<Authority> all_;  // newest first
};

}  // namespace directfaas::controller
