// SPDX-License-Identifier: Apache-2.0
// Finds objects by what other objects refer to: names, services of slices, addresses of pods.
// Holds pointers only; whoever inserts an object keeps it in place until it is erased.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lib/model/objects.h"

namespace directfaas::model {

class ObjectIndex {
   public:
    /// The name must be free within its kind.
    void insert(const Object& object);
    void erase(const Object& object);

    /// Where the object of the same kind and name stands, or nothing.
    [[nodiscard]] const SourceLine* find_same(const Object& object) const;
    [[nodiscard]] const Service* service(const ObjectName& name) const;
    [[nodiscard]] const Pod* pod(const ObjectName& name) const;
    /// In order of their names.
    [[nodiscard]] std::vector<const FunctionChain*> chains_in(const std::string& ns) const;
    /// In order of their names.
    [[nodiscard]] std::vector<const NetworkPolicy*> policies_in(const std::string& ns) const;
    /// In order of their names.
    [[nodiscard]] std::vector<const EndpointSlice*> slices_of(const ObjectName& service) const;
    /// In no particular order.
    [[nodiscard]] std::vector<const Pod*> pods_with(const util::IpAddress& address) const;

   private:
    struct ByName {
        using is_transparent = void;
        bool operator()(const auto* a, const auto* b) const { return a->name < b->name; }
        bool operator()(const auto* a, const ObjectName& b) const { return a->name < b; }
        bool operator()(const ObjectName& a, const auto* b) const { return a < b->name; }
    };
    struct ServiceKey {
        const ObjectName& name;
    };
    struct ByService {
        using is_transparent = void;
        bool operator()(const EndpointSlice* a, const EndpointSlice* b) const {
            return std::tie(a->name.ns, a->service, a->name.name) <
                   std::tie(b->name.ns, b->service, b->name.name);
        }
        bool operator()(const EndpointSlice* a, const ServiceKey& b) const {
            return std::tie(a->name.ns, a->service) < std::tie(b.name.ns, b.name.name);
        }
        bool operator()(const ServiceKey& a, const EndpointSlice* b) const {
            return std::tie(a.name.ns, a.name.name) < std::tie(b->name.ns, b->service);
        }
    };

    void insert_one(const FunctionChain& chain);
    void insert_one(const Service& service);
    void insert_one(const EndpointSlice& slice);
    void insert_one(const Pod& pod);
    void insert_one(const NetworkPolicy& policy);
    void erase_one(const FunctionChain& chain);
    void erase_one(const Service& service);
    void erase_one(const EndpointSlice& slice);
    void erase_one(const Pod& pod);
    void erase_one(const NetworkPolicy& policy);

    std::set<const FunctionChain*, ByName> chains_;
    std::set<const Service*, ByName> services_;
    std::set<const EndpointSlice*, ByName> slices_;
    std::set<const EndpointSlice*, ByService> slices_by_service_;
    std::set<const Pod*, ByName> pods_;
    std::set<const NetworkPolicy*, ByName> policies_;
    std::set<std::pair<util::IpAddress, const Pod*>> pods_by_address_;
};

}  // namespace directfaas::model
