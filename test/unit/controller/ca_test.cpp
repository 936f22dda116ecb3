// SPDX-License-Identifier: Apache-2.0
// The authority over years, by a clock that the test moves, with clients that read the bundle now
// and then; and what becomes of a Secret that is damaged, missing, or written by two.
#include "controller/ca/ca.h"

#include <gmock/gmock.h>

#include <set>

#include "lib/kube/httplib_transport.h"
#include "test/unit/controller/ca_objects.h"
#include "test/unit/controller/trust.h"

namespace directfaas::controller {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;

class CaTest : public testing::Test {
   protected:
    struct Replica {
        Replica(const kube::ClusterAccess& access, const CaTerms& terms, Ca::Now now)
            : client(kube::transports_to(access)()),
              ca(client,
                 {.ns = "directfaas-system",
                  .server_names = {"directfaas-controller.directfaas-system.svc", "10.1.2.3"},
                  .terms = terms},
                 std::move(now)) {}
        kube::Client client;
        Ca ca;
    };

    void SetUp() override {
        objects_.make("secrets");
        objects_.make("configmaps");
    }
    std::unique_ptr<Replica> replica() {
        return std::make_unique<Replica>(server_.access(), terms_, [this] { return now_; });
    }
    /// What a client reads.
    std::string bundle() { return objects_.get("configmaps")["data"].value("ca.crt", ""); }
    std::string secret(const char* name) {
        return decoded(objects_.get("secrets")["data"].value(name, ""));
    }
    Json secret_data() { return objects_.get("secrets")["data"]; }
    std::string distrust_of(const Replica& replica, const std::string& trusted) {
        return replica.ca.server()
                   ? distrust(trusted, replica.ca.server()->certificate, kHost, now_)
                   : "it has no certificate";
    }
    void expect_works(Replica& replica) {
        replica.ca.step();
        EXPECT_EQ(replica.ca.trouble(), "");
        EXPECT_EQ(distrust_of(replica, bundle()), "");
        EXPECT_EQ(bundle(), secret("ca.crt"));
    }

    static constexpr const char* kHost = "directfaas-controller.directfaas-system.svc";
    Objects objects_;
    kube::FakeApiserver server_{[this](const kube::FakeRequest& request, kube::FakeAnswer& out) {
        objects_.answer(request, out);
    }};
    CaTerms terms_;
    WallTime now_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};
    std::unique_ptr<Replica> first_ = replica();
};

TEST_F(CaTest, TheFirstStartMakesAnAuthority) {
    expect_works(*first_);
    EXPECT_EQ(pem_blocks(bundle()).size(), 1U);
    EXPECT_FALSE(bundle().contains("PRIVATE KEY"));
    EXPECT_THAT(secret("ca.key"), HasSubstr("PRIVATE KEY"));
    EXPECT_FALSE(secret("ca.key").contains(first_->ca.server()->key)) << "that is nobody else's";
    EXPECT_EQ(objects_.get("secrets")["metadata"]["labels"]["a"], "b");
    EXPECT_EQ(distrust(bundle(), first_->ca.server()->certificate, "10.1.2.3", now_), "");
    EXPECT_EQ(distrust(bundle(), first_->ca.server()->certificate, "example.org", now_),
              "it is not for example.org");
    EXPECT_EQ(distrust(bundle(), first_->ca.server()->certificate, kHost, now_ - hours{1}),
              "certificate is not yet valid");
}

TEST_F(CaTest, ARestartKeepsTheAuthority) {
    expect_works(*first_);
    const auto kept = objects_.get("secrets");
    const auto told = objects_.get("configmaps");
    now_ += days{3};
    const auto second = replica();
    expect_works(*second);
    EXPECT_EQ(objects_.get("secrets"), kept) << "not even written again";
    EXPECT_EQ(objects_.get("configmaps"), told);
    EXPECT_NE(second->ca.server()->key, first_->ca.server()->key);
}

TEST_F(CaTest, TheServersCertificateIsRenewedBeforeItRunsOut) {
    expect_works(*first_);
    const auto kept = objects_.get("secrets");
    const auto shown = first_->ca.server();
    now_ += days{4};
    expect_works(*first_);
    EXPECT_EQ(first_->ca.server(), shown);
    now_ += days{1};
    expect_works(*first_);
    EXPECT_NE(first_->ca.server(), shown);
    EXPECT_EQ(objects_.get("secrets"), kept);
}

TEST_F(CaTest, TheNextAuthorityIsKnownBeforeItSigns) {
    expect_works(*first_);
    const auto old = bundle();
    now_ += days{243};
    expect_works(*first_);
    EXPECT_EQ(bundle(), old);
    now_ += days{1};
    expect_works(*first_);
    const auto both = bundle();
    EXPECT_EQ(pem_blocks(both).size(), 2U);
    EXPECT_TRUE(both.ends_with(old)) << "the newest comes first";
    EXPECT_EQ(distrust_of(*first_, old), "") << "clients that have not read the bundle again";
    const auto second = replica();
    expect_works(*second);
    EXPECT_EQ(distrust_of(*second, old), "") << "and another replica";

    now_ += hours{23};
    expect_works(*first_);
    EXPECT_EQ(distrust_of(*first_, old), "");
    now_ += hours{1};
    expect_works(*first_);
    EXPECT_EQ(distrust_of(*first_, both), "");
    EXPECT_NE(distrust_of(*first_, old), "");
    EXPECT_EQ(bundle(), both) << "what the old one signed is still about";

    now_ += days{121};
    expect_works(*first_);
    EXPECT_EQ(pem_blocks(bundle()).size(), 1U) << "it has run out";
    EXPECT_TRUE(both.starts_with(bundle()));
}

TEST_F(CaTest, OverRotationsADailyReaderIsNeverRefused) {
    terms_.life = days{90};
    first_ = replica();
    const auto second = replica();
    std::string of_yesterday;
    std::set<std::string> bundles;
    for (int day = 0; day < 240; ++day) {
        // Steps are not regular: the controller may be away for some hours.
        now_ += hours{18 + (day * 7) % 13};
        expect_works(day % 3 == 0 ? *second : *first_);
        expect_works(day % 3 == 0 ? *first_ : *second);
        if (!of_yesterday.empty()) {
            EXPECT_EQ(distrust_of(*first_, of_yesterday), "") << "day " << day;
            EXPECT_EQ(distrust_of(*second, of_yesterday), "") << "day " << day;
        }
        EXPECT_LE(pem_blocks(bundle()).size(), 2U);
        of_yesterday = bundle();
        bundles.insert(of_yesterday);
    }
    EXPECT_EQ(bundles.size(), 7U) << "three rotations";
}

TEST_F(CaTest, OfTwoThatBeginTogetherOneIsFaster) {
    const auto second = replica();
    expect_works(*second);
    const auto theirs = secret_data();
    objects_.make("secrets");
    objects_.write_after_next_read(theirs);
    expect_works(*first_);
    EXPECT_EQ(secret_data(), theirs) << "the first one has taken what the second one wrote";
    EXPECT_EQ(distrust_of(*second, bundle()), "");
}

TEST_F(CaTest, WhatIsDamagedIsMadeAnewAndWhatIsWholeIsKept) {
    expect_works(*first_);
    now_ += days{245};
    expect_works(*first_);
    const auto whole = secret_data();
    const auto certificates = pem_blocks(secret("ca.crt"));
    const auto keys = pem_blocks(secret("ca.key"));
    ASSERT_EQ(certificates.size(), 2U);
    const auto put = [&](const std::string& bundle, const std::string& secrets) {
        objects_.put_secret({{"ca.crt", encoded(bundle)}, {"ca.key", encoded(secrets)}});
    };
    const auto damaged = [](std::string pem) {
        pem[pem.size() / 2] = pem[pem.size() / 2] == 'A' ? 'B' : 'A';
        return pem;
    };
    // The newest cannot be used, the one before is kept.
    put(damaged(certificates[0]) + certificates[1], keys[0] + keys[1]);
    expect_works(*first_);
    EXPECT_THAT(bundle(), testing::EndsWith(certificates[1]));
    put(certificates[0] + certificates[1], keys[1] + keys[1]);
    expect_works(*first_);
    EXPECT_THAT(bundle(), testing::EndsWith(certificates[1]));
    // Nothing can be used.
    for (const auto& [bundle_text, key_text] : std::vector<std::pair<std::string, std::string>>{
             {"garbage", "garbage"},
             {"", keys[0]},
             {certificates[0], ""},
             {certificates[0], keys[1]},
             {damaged(certificates[0]), keys[0]},
             {first_->ca.server()->certificate, first_->ca.server()->key}}) {
        put(bundle_text, key_text);
        const auto other = replica();
        expect_works(*other);
        EXPECT_EQ(pem_blocks(bundle()).size(), 1U);
        EXPECT_FALSE(certificates[0] == bundle() || certificates[1] == bundle());
    }
    objects_.put_secret({{"ca.crt", "%%%"}, {"ca.key", 7}});
    expect_works(*first_);
    objects_.put_secret(whole);
    expect_works(*first_);
    EXPECT_EQ(secret_data(), whole) << "what is put back is used";
}

TEST_F(CaTest, WithoutASecretTheCertificateStays) {
    objects_.forget("secrets");
    first_->ca.step();
    EXPECT_THAT(first_->ca.trouble(), HasSubstr("Secret directfaas-system/directfaas-ca: 404"));
    EXPECT_THAT(first_->ca.trouble(), HasSubstr("The chart makes it"));
    EXPECT_FALSE(first_->ca.server());
    objects_.make("secrets");
    expect_works(*first_);
    const auto shown = first_->ca.server();
    objects_.forget("secrets");
    first_->ca.step();
    EXPECT_NE(first_->ca.trouble(), "");
    EXPECT_EQ(first_->ca.server(), shown);
}

TEST_F(CaTest, NothingIsShownThatClientsCannotHaveHeardOf) {
    expect_works(*first_);
    const auto known = bundle();
    objects_.refuse(Objects::path("configmaps"));
    now_ += days{244};
    first_->ca.step();
    EXPECT_THAT(first_->ca.trouble(), HasSubstr("ConfigMap directfaas-system/directfaas-ca: 403"));
    now_ += days{2};
    const auto shown = first_->ca.server();
    first_->ca.step();
    EXPECT_EQ(first_->ca.server(), shown);
    EXPECT_EQ(bundle(), known);
    objects_.refuse("");
    expect_works(*first_);
}

}  // namespace
}  // namespace directfaas::controller
