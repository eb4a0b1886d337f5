# Every test source in a tests/KIND/ folder is found and built: none can be forgotten.

# In a sanitizer build every test runs under this launcher, which fails it if a report was left.
set(DVBCSS_LAUNCHER "")
if(DVBCSS_SANITIZED)
  set(DVBCSS_LAUNCHER "${PROJECT_SOURCE_DIR}/tests/support/run_sanitized"
                      "${PROJECT_BINARY_DIR}/reports")
endif()

# In a plain build, the command that runs a program under valgrind; else empty.
set(DVBCSS_VALGRIND "")
find_program(valgrind_program valgrind)
if(valgrind_program AND NOT DVBCSS_SANITIZED AND NOT CMAKE_C_FLAGS MATCHES "--coverage")
  set(DVBCSS_VALGRIND "${valgrind_program}" --quiet --error-exitcode=1 --leak-check=full)
endif()

# dvbcss_add_test(NAME KIND COMMAND...): registers a test, labelled with its kind.
function(dvbcss_add_test name kind)
  set(launcher ${DVBCSS_LAUNCHER})
  if(launcher)
    list(APPEND launcher "${name}")
  endif()
  add_test(NAME ${name} COMMAND ${launcher} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ${kind} TIMEOUT 120)
endfunction()

# dvbcss_slow_tests(SECONDS NAME...): these take about that long on two processors, most of it in
# waiting. They begin before the others, so that they wait while others compute, and are labelled
# slow.
function(dvbcss_slow_tests seconds)
  foreach(name IN LISTS ARGN)
    if(TEST ${name})
      set_tests_properties(${name} PROPERTIES COST ${seconds})
      set_property(TEST ${name} APPEND PROPERTY LABELS slow)
    endif()
  endforeach()
endfunction()

# Finds the sources tests/KIND/MODULE/PREFIX_NAME.c whose module is built, as "SOURCE|MODULE|NAME".
function(dvbcss_test_sources kind prefix result)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${kind}/*/${prefix}_*.c")
  set(found "")
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME module)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^${prefix}_" "" name "${name}")
    if(TARGET dvbcss_m_${module})
      list(APPEND found "${source}|${module}|${name}")
    endif()
  endforeach()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# dvbcss_test_program(TARGET ENTRY [LIBRARY...]): builds an entry of dvbcss_test_sources(), linked
# with its module and what that depends on, and with nothing else of ours.
function(dvbcss_test_program target entry)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 source)
  list(GET entry 1 module)
  add_executable(${target} "${source}")
  target_link_libraries(${target} PRIVATE dvbcss_m_${module} ${ARGN})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE
                                               VECTORS_DIR="${PROJECT_SOURCE_DIR}/tests/vectors")
endfunction()

# tests/KIND/MODULE/test_NAME.c: one Criterion program KIND_NAME per file.
function(dvbcss_criterion_tests kind)
  dvbcss_test_sources(${kind} test entries)
  foreach(entry IN LISTS entries)
    string(REGEX REPLACE "^.*\\|" "${kind}_" target "${entry}")
    dvbcss_test_program(${target} "${entry}" dvbcss_test_support PkgConfig::CRITERION)
    dvbcss_add_test(${target} ${kind} $<TARGET_FILE:${target}>)
  endforeach()
endfunction()

# tests/KIND/MODULE/test_NAME.c: plain programs KIND_NAME, for what Criterion cannot host. The target
# KIND_tests builds them all.
function(dvbcss_plain_tests kind)
  add_custom_target(${kind}_tests)
  dvbcss_test_sources(${kind} test entries)
  foreach(entry IN LISTS entries)
    string(REGEX REPLACE "^.*\\|" "${kind}_" target "${entry}")
    dvbcss_test_program(${target} "${entry}" Threads::Threads)
    dvbcss_add_test(${target} ${kind} $<TARGET_FILE:${target}>)
    add_dependencies(${kind}_tests ${target})
  endforeach()
endfunction()

# tests/KIND/MODULE/fuzz_NAME.c: a libFuzzer entry point, as program fuzz_NAME. The plain build
# replays the corpus tests/KIND/corpus/NAME/ with it, under valgrind as well: that sees memory which
# is used before it was written. DVBCSS_BUILD_FUZZERS makes the fuzzer itself.
# The target KIND_tests builds them all.
function(dvbcss_fuzz_targets kind)
  add_custom_target(${kind}_tests)
  dvbcss_test_sources(${kind} fuzz entries)
  foreach(entry IN LISTS entries)
    string(REGEX REPLACE "^.*\\|" "" name "${entry}")
    dvbcss_test_program(fuzz_${name} "${entry}")
    add_dependencies(${kind}_tests fuzz_${name})
    if(DVBCSS_BUILD_FUZZERS)
      target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    else()
      target_sources(fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/fuzz_replay.c")
      set(replay $<TARGET_FILE:fuzz_${name}> "${PROJECT_SOURCE_DIR}/tests/${kind}/corpus/${name}")
      dvbcss_add_test(${kind}_${name} ${kind} ${replay})
      if(DVBCSS_VALGRIND)
        dvbcss_add_test(valgrind_${name} valgrind ${DVBCSS_VALGRIND} ${replay})
      endif()
    endif()
  endforeach()
endfunction()

# tests/KIND/test_NAME.py and .js: scripts that drive the programs from outside, as KIND_NAME. They
# find what they need in the environment: DVBCSSD, DVBCSS, BUILD_DIR, EXAMPLES_DIR and
# INTEROP_DIR.
function(dvbcss_script_tests kind)
  set(environment
      "DVBCSSD=$<TARGET_FILE:dvbcssd>"
      "DVBCSS=$<TARGET_FILE:dvbcss>"
      "BUILD_DIR=${PROJECT_BINARY_DIR}"
      "EXAMPLES_DIR=${PROJECT_BINARY_DIR}/examples"
      "INTEROP_DIR=${DVBCSS_INTEROP_DIR}"
      "PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/support"
      "PYTHONDONTWRITEBYTECODE=1")
  file(GLOB scripts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${kind}/test_*.py"
       "${PROJECT_SOURCE_DIR}/tests/${kind}/test_*.js")
  foreach(script IN LISTS scripts)
    get_filename_component(name "${script}" NAME_WE)
    get_filename_component(extension "${script}" LAST_EXT)
    string(REGEX REPLACE "^test_" "${kind}_" name "${name}")
    if(extension STREQUAL ".js")
      set(interpreter "${DVBCSS_NODE}")
      set(name "${name}_js")
    else()
      set(interpreter "${DVBCSS_PYTHON}")
    endif()
    dvbcss_add_test(${name} ${kind} "${interpreter}" "${script}")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}" TIMEOUT 300)
    if(kind STREQUAL "interop")
      set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED interop_peers)
    endif()
  endforeach()
endfunction()

# tests/interop/PEER/package-lock.json: other people's programs, installed from the npm registry
# into DVBCSS_INTEROP_DIR before the tests that need them. Several builds may share that folder.
function(dvbcss_interop_peers)
  file(GLOB locks CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/interop/*/package-lock.json")
  foreach(lock IN LISTS locks)
    get_filename_component(folder "${lock}" DIRECTORY)
    get_filename_component(peer "${folder}" NAME)
    add_test(NAME interop_install_${peer}
             COMMAND "${PROJECT_SOURCE_DIR}/tests/interop/install.sh" "${folder}"
                     "${DVBCSS_INTEROP_DIR}/${peer}")
    set_tests_properties(interop_install_${peer} PROPERTIES LABELS interop TIMEOUT 300
                                                            FIXTURES_SETUP interop_peers)
  endforeach()
endfunction()
