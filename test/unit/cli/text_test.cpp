// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace directfaas::cli {
namespace {

TEST(Printable, LeavesNamesAndOrdinaryUnicodeAlone) {
    EXPECT_EQ(printable("shop/reviews → ratings, 12 µs, 漢字"),
              "shop/reviews → ratings, 12 µs, 漢字");
    EXPECT_EQ(printable(""), "");
}

TEST(Printable, EscapesWhatSteersATerminal) {
    EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
    EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\x0dd");
    EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\x9b31m");  // C1: one-character CSI
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "txt"),
              "\\u202etxt");                          // right-to-left override
    EXPECT_EQ(printable("\xe2\x80\xa8"), "\\u2028");  // line separator
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
    EXPECT_EQ(printable("\xff"
                        "a"),
              "\\xffa");
    EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");  // overlong ESC family
    EXPECT_EQ(printable("\xe2\x80"), "\\xe2\\x80");  // cut off
    EXPECT_EQ(printable("\xe2"
                        "ab"),
              "\\xe2"
              "ab");
}

TEST(Width, CountsCodePoints) {
    EXPECT_EQ(width("a → b"), 5U);
    EXPECT_EQ(width(""), 0U);
}

TEST(Numbers, CountsAreExactUntilTheyAreLong) {
    EXPECT_EQ(count_text(0), "0");
    EXPECT_EQ(count_text(9999), "9999");
    EXPECT_EQ(count_text(10000), "10.0k");
    EXPECT_EQ(count_text(99950), "100k");
    EXPECT_EQ(count_text(999499), "999k");
    EXPECT_EQ(count_text(999500), "1.00M");
    EXPECT_EQ(count_text(3412345), "3.41M");
    EXPECT_EQ(count_text(UINT64_MAX), "18447P");
}

TEST(Numbers, BytesAreBinary) {
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1536), "1.50 KiB");
    EXPECT_EQ(bytes_text(98765432100), "92.0 GiB");
}

TEST(Numbers, DurationsTakeTheUnitThatFits) {
    EXPECT_EQ(duration_text(0), "0 ns");
    EXPECT_EQ(duration_text(850e-9), "850 ns");
    EXPECT_EQ(duration_text(183e-6), "183 µs");
    EXPECT_EQ(duration_text(1.25e-3), "1.25 ms");
    EXPECT_EQ(duration_text(3.4), "3.40 s");
    EXPECT_EQ(duration_text(59.96), "1m 0s");
    EXPECT_EQ(duration_text(312), "5m 12s");
    EXPECT_EQ(duration_text(11532), "3h 12m");
    EXPECT_EQ(duration_text(12 * 86400 + 4 * 3600), "12d 4h");
}

TEST(Numbers, RatesHaveThreeDigits) {
    EXPECT_EQ(rate_text(0), "0");
    EXPECT_EQ(rate_text(0.5), "0.50");
    EXPECT_EQ(rate_text(12.34), "12.3");
    EXPECT_EQ(rate_text(99.96), "100");
    EXPECT_EQ(rate_text(12000), "12.0k");
}

TEST(Numbers, Plural) {
    EXPECT_EQ(plural(1, "error"), "1 error");
    EXPECT_EQ(plural(0, "error"), "0 errors");
}

TEST(TableText, AlignsBothSidesAndEndsLinesAtTheirLastLetter) {
    Table table({{"NAME"}, {"N", Column::Side::kRight}, {"NOTE"}});
    table.add({"a → b", "5", ""});
    table.add({"c", "1000", "x"});
    table.add({"", "", "y"});
    EXPECT_EQ(table.text({}),
              "NAME      N  NOTE\n"
              "a → b     5\n"
              "c      1000  x\n"
              "             y\n");
}

TEST(TableText, WithoutTitlesThereIsNoHeader) {
    Table table({{""}, {""}});
    EXPECT_TRUE(table.empty());
    table.add({"a", "b"});
    EXPECT_EQ(table.text({}, 2), "  a  b\n");
}

TEST(TableText, ColourIsNotCountedAsWidth) {
    Table table({{""}, {""}});
    table.add({{"ok", Tone::kGood}, "x"});
    table.add({"FAIL", "y"});
    EXPECT_EQ(table.text({true}), "\x1b[32mok\x1b[0m    x\nFAIL  y\n");
}

}  // namespace
}  // namespace directfaas::cli
