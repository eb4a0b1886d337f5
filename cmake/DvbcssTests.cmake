# Every test source in a tests/KIND/MODULE/ folder is found and built: none can be forgotten.

# Calls back with each source FILE of tests/KIND/MODULE/PREFIX_*.c whose module is built.
function(dvbcss_test_sources kind prefix result)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${kind}/*/${prefix}_*.c")
  set(kept "")
  foreach(source IN LISTS sources)
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(module "${folder}" NAME)
    if(TARGET dvbcss_m_${module})
      list(APPEND kept "${source}")
    endif()
  endforeach()
  set(${result} ${kept} PARENT_SCOPE)
endfunction()

# tests/KIND/MODULE/test_NAME.c: one Criterion program KIND_NAME per file, linked with its module
# and what that depends on, and nothing else.
function(dvbcss_criterion_tests kind)
  dvbcss_test_sources(${kind} test sources)
  foreach(source IN LISTS sources)
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(module "${folder}" NAME)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^test_" "${kind}_" name "${name}")
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE dvbcss_m_${module} dvbcss_test_support
                                          PkgConfig::CRITERION)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE
                                               VECTORS_DIR="${PROJECT_SOURCE_DIR}/tests/vectors")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${kind})
  endforeach()
endfunction()

# tests/KIND/MODULE/fuzz_NAME.c: a libFuzzer entry point. The plain build replays the corpus
# tests/KIND/corpus/NAME/ with it; DVBCSS_BUILD_FUZZERS makes the fuzzer itself.
function(dvbcss_fuzz_targets kind)
  dvbcss_test_sources(${kind} fuzz sources)
  foreach(source IN LISTS sources)
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(module "${folder}" NAME)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^fuzz_" "" short "${name}")
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE dvbcss_m_${module})
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    if(DVBCSS_BUILD_FUZZERS)
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
      target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/fuzz_replay.c")
      add_test(NAME ${kind}_${short}
               COMMAND ${name} "${PROJECT_SOURCE_DIR}/tests/${kind}/corpus/${short}")
      set_tests_properties(${kind}_${short} PROPERTIES LABELS ${kind})
    endif()
  endforeach()
endfunction()
