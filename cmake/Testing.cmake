# SPDX-License-Identifier: Apache-2.0
# df_test(NAME LABEL label SOURCES ... LINK ...): a GoogleTest program, one CTest case per test.
# Label `unit` needs no rights; every other label needs root.
include(CTest)
include(GoogleTest)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
endif()

# tests_LABEL builds the programs of one label (test/run builds no more than it runs).
foreach(label unit packet backend conformance long)
  add_custom_target(tests_${label})
endforeach()

function(df_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  add_dependencies(tests_${arg_LABEL} ${name})
  gtest_discover_tests(${name} TEST_PREFIX "${arg_LABEL}." DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
