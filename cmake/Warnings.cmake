# SPDX-License-Identifier: Apache-2.0
# Language level and warnings, the same for every target. Warnings are errors.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 uses std::get_temporary_buffer in its own stable_sort; g++ is told not to say so.
  # What a designated initializer does not name is zero, which is why one is used.
  add_compile_options(
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-designated-field-initializers>)
endif()
# The repository root is the only include root: every include names its folder.
include_directories(${CMAKE_SOURCE_DIR})

# df_library(NAME SOURCES... LINK targets...): the static library of one folder.
function(df_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LINK})
endfunction()
