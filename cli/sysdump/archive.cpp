// SPDX-License-Identifier: Apache-2.0
#include "cli/sysdump/archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <ctime>
#include <memory>
#include <numeric>

#include "lib/util/unique_fd.h"

namespace directfaas::cli {
namespace {

using util::fail_errno;
using util::Result;

constexpr std::size_t kBlock = 512;

/// A header of the ustar format, 512 bytes: names, numbers in octal, and their sum.
struct Header {
    std::array<char, 100> name{};
    std::array<char, 8> mode{};
    std::array<char, 8> uid{};
    std::array<char, 8> gid{};
    std::array<char, 12> size{};
    std::array<char, 12> mtime{};
    std::array<char, 8> checksum{};
    char type = '0';
    std::array<char, 100> link{};
    std::array<char, 6> magic{'u', 's', 't', 'a', 'r', '\0'};
    std::array<char, 2> version{'0', '0'};
    std::array<char, 32> user{};
    std::array<char, 32> group{};
    std::array<char, 8> major{};
    std::array<char, 8> minor{};
    std::array<char, 155> prefix{};
    std::array<char, 12> padding{};
};
static_assert(sizeof(Header) == kBlock, "a header is one block");

template <std::size_t N>
void put(std::array<char, N>& field, std::string_view text) {
    text.copy(field.data(), N - 1);
}

template <std::size_t N>
void put_octal(std::array<char, N>& field, std::uint64_t value) {
    put(field, fmt::format("{:0{}o}", value, N - 1));
}

std::string block_of(const Header& header) {
    return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

std::string padding_of(std::size_t size) {
    return std::string((kBlock - size % kBlock) % kBlock, '\0');
}

std::string header_of(std::string_view name, std::size_t size, char type, std::time_t now) {
    Header header;
    put(header.name, name);
    header.type = type;
    put_octal(header.mode, 0644);
    put_octal(header.uid, 0);
    put_octal(header.gid, 0);
    put_octal(header.size, size);
    put_octal(header.mtime, static_cast<std::uint64_t>(now));
    header.checksum.fill(' ');
    const auto bytes = block_of(header);
    const auto sum = std::accumulate(bytes.begin(), bytes.end(), 0U, [](unsigned total, char c) {
        return total + static_cast<unsigned char>(c);
    });
    put(header.checksum, fmt::format("{:06o}", sum));
    return block_of(header);
}

/// A name that is too long for a header comes before it as a file of its own, as GNU tar has it.
std::string headers_of(const std::string& name, std::size_t size, std::time_t now) {
    std::string headers;
    if (name.size() >= sizeof(Header::name)) {
        headers = header_of("././@LongLink", name.size() + 1, 'L', now) + name + '\0' +
                  padding_of(name.size() + 1);
    }
    return headers + header_of(name, size, '0', now);
}

class Gzip {
   public:
    explicit Gzip(int fd) : file_(::gzdopen(fd, "wb6")) {}
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
    ~Gzip() { finish(); }

    void write(std::string_view text) {
        if (!text.empty() && file_ != nullptr &&
            ::gzwrite(file_, text.data(), static_cast<unsigned>(text.size())) <= 0) {
            failed_ = true;
        }
    }
    /// Whether all of it was written.
    bool finish() {
        failed_ = failed_ || file_ == nullptr;
        if (file_ != nullptr && ::gzclose(file_) != Z_OK) {
            failed_ = true;
        }
        file_ = nullptr;
        return !failed_;
    }

   private:
    gzFile file_;
    bool failed_ = false;
};

}  // namespace

std::string contents_of(const std::vector<DumpFile>& files) {
    std::string text;
    for (const auto& file : files) {
        text += fmt::format("{:<40}  {}\n", file.path, file.what);
    }
    return text +
           "\nLeft out on purpose: the content of manifests, requests and packets, environment\n"
           "variables, credentials, and in settings the values of words that may be secret.\n"
           "In it are names and addresses of functions, pods, nodes and interfaces.\n";
}

Result<void> write_archive(const std::string& path, const std::string& top,
                           const std::vector<DumpFile>& files) {
    util::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.valid()) {
        return fail_errno("create " + path);
    }
    const auto now = std::time(nullptr);
    Gzip out(fd.release());
    for (const auto& file : files) {
        out.write(headers_of(top + "/" + file.path, file.text.size(), now));
        out.write(file.text);
        out.write(padding_of(file.text.size()));
    }
    out.write(std::string(2 * kBlock, '\0'));
    errno = EIO;
    if (!out.finish()) {
        const int code = errno;
        ::unlink(path.c_str());
        return fail_errno("write " + path, code);
    }
    return {};
}

}  // namespace directfaas::cli
