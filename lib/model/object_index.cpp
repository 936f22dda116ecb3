// SPDX-License-Identifier: Apache-2.0
#include "lib/model/object_index.h"

namespace directfaas::model {
namespace {

template <typename Set>
const SourceLine* where_in(const Set& set, const ObjectName& name) {
    const auto found = set.find(name);
    return found == set.end() ? nullptr : &(*found)->where;
}

template <typename Set>
auto get(const Set& set, const ObjectName& name) -> typename Set::value_type {
    const auto found = set.find(name);
    return found == set.end() ? nullptr : *found;
}

template <typename Set>
std::vector<typename Set::value_type> all_in(const Set& set, const std::string& ns) {
    std::vector<typename Set::value_type> found;
    for (auto it = set.lower_bound(ObjectName{ns, {}}); it != set.end() && (*it)->name.ns == ns;
         ++it) {
        found.push_back(*it);
    }
    return found;
}

}  // namespace

void ObjectIndex::insert_one(const FunctionChain& chain) { chains_.insert(&chain); }
void ObjectIndex::insert_one(const Service& service) { services_.insert(&service); }
void ObjectIndex::insert_one(const EndpointSlice& slice) {
    slices_.insert(&slice);
    slices_by_service_.insert(&slice);
}
void ObjectIndex::insert_one(const Pod& pod) {
    pods_.insert(&pod);
    for (const auto& ip : pod.ips) {
        pods_by_address_.emplace(ip, &pod);
    }
}
void ObjectIndex::insert_one(const NetworkPolicy& policy) { policies_.insert(&policy); }

void ObjectIndex::erase_one(const FunctionChain& chain) { chains_.erase(&chain); }
void ObjectIndex::erase_one(const Service& service) { services_.erase(&service); }
void ObjectIndex::erase_one(const EndpointSlice& slice) {
    slices_.erase(&slice);
    slices_by_service_.erase(&slice);
}
void ObjectIndex::erase_one(const Pod& pod) {
    pods_.erase(&pod);
    for (const auto& ip : pod.ips) {
        pods_by_address_.erase({ip, &pod});
    }
}
void ObjectIndex::erase_one(const NetworkPolicy& policy) { policies_.erase(&policy); }

void ObjectIndex::insert(const Object& object) {
    std::visit([this](const auto& o) { insert_one(o); }, object);
}

void ObjectIndex::erase(const Object& object) {
    std::visit([this](const auto& o) { erase_one(o); }, object);
}

const SourceLine* ObjectIndex::find_same(const Object& object) const {
    struct Finder {
        const ObjectIndex& index;
        const SourceLine* operator()(const FunctionChain& o) const {
            return where_in(index.chains_, o.name);
        }
        const SourceLine* operator()(const Service& o) const {
            return where_in(index.services_, o.name);
        }
        const SourceLine* operator()(const EndpointSlice& o) const {
            return where_in(index.slices_, o.name);
        }
        const SourceLine* operator()(const Pod& o) const { return where_in(index.pods_, o.name); }
        const SourceLine* operator()(const NetworkPolicy& o) const {
            return where_in(index.policies_, o.name);
        }
    };
    return std::visit(Finder{*this}, object);
}

const Service* ObjectIndex::service(const ObjectName& name) const { return get(services_, name); }

const Pod* ObjectIndex::pod(const ObjectName& name) const { return get(pods_, name); }

std::vector<const FunctionChain*> ObjectIndex::chains_in(const std::string& ns) const {
    return all_in(chains_, ns);
}

std::vector<const NetworkPolicy*> ObjectIndex::policies_in(const std::string& ns) const {
    return all_in(policies_, ns);
}

std::vector<const EndpointSlice*> ObjectIndex::slices_of(const ObjectName& service) const {
    const auto [first, last] = slices_by_service_.equal_range(ServiceKey{service});
    return {first, last};
}

std::vector<const Pod*> ObjectIndex::pods_with(const util::IpAddress& address) const {
    std::vector<const Pod*> found;
    for (auto it = pods_by_address_.lower_bound({address, nullptr});
         it != pods_by_address_.end() && it->first == address; ++it) {
        found.push_back(it->second);
    }
    return found;
}

}  // namespace directfaas::model
