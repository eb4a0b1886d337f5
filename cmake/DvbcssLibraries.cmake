# Assembles libdvbcss-core and libdvbcss, shared and static, from the modules' objects, and installs
# them with the headers of what was built, a CMake package and pkg-config files.
#
# In the tree as after find_package(dvbcss): dvbcss::core and dvbcss::dvbcss (shared where that is
# built, else static), dvbcss::core_static and dvbcss::dvbcss_static.

# dvbcss_library(EXPORT_NAME OUTPUT_NAME MODULES property [PUBLIC target...] [PRIVATE target...]
#                [ON export_name])
# ON is the library of ours that this one stands on; it is linked in its own kind.
function(dvbcss_library name output)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "MODULES;ON" "PUBLIC;PRIVATE")
  get_property(modules GLOBAL PROPERTY ${arg_MODULES})
  list(TRANSFORM modules REPLACE "^(.+)$" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  foreach(suffix IN ITEMS _shared _static)
    string(TOUPPER "${suffix}" option)
    if(NOT DVBCSS_BUILD${option})
      continue()
    endif()
    string(REPLACE "_" "" kind "${option}")
    set(target dvbcss_lib_${name}${suffix})
    add_library(${target} ${kind} ${objects})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME ${output}
                                               EXPORT_NAME ${name}${suffix})
    target_include_directories(
      ${target} INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                          "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    if(arg_ON)
      target_link_libraries(${target} PUBLIC dvbcss_lib_${arg_ON}${suffix})
    endif()
    install(TARGETS ${target} EXPORT dvbcssTargets)
  endforeach()
  if(DVBCSS_BUILD_SHARED)
    dvbcss_harden_shared(dvbcss_lib_${name}_shared)
    set_target_properties(dvbcss_lib_${name}_shared PROPERTIES EXPORT_NAME ${name})
    add_library(dvbcss::${name} ALIAS dvbcss_lib_${name}_shared)
  else()
    add_library(dvbcss::${name} ALIAS dvbcss_lib_${name}_static)
  endif()
  if(DVBCSS_BUILD_STATIC)
    add_library(dvbcss::${name}_static ALIAS dvbcss_lib_${name}_static)
  endif()
endfunction()

# SONAME, symbol version, and nothing left undefined or linked needlessly.
function(dvbcss_harden_shared target)
  set(map "${PROJECT_SOURCE_DIR}/cmake/exports/dvbcss.map")
  set_target_properties(
    ${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                         LINK_DEPENDS "${map}")
  target_link_options(${target} PRIVATE "LINKER:--version-script=${map}" "LINKER:--as-needed")
  # clang leaves the sanitizers' own symbols to the program.
  if(NOT DVBCSS_SANITIZED)
    target_link_options(${target} PRIVATE "LINKER:--no-undefined")
  endif()
endfunction()

# Writes PACKAGE.pc, with paths relative to itself: an installed tree can be moved.
function(dvbcss_pkg_config package)
  set(directory "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  file(RELATIVE_PATH DVBCSS_PC_UP "/${directory}" "/")
  string(REGEX REPLACE "/$" "" DVBCSS_PC_UP "${DVBCSS_PC_UP}")
  configure_file("${PROJECT_SOURCE_DIR}/packaging/${package}.pc.in"
                 "${PROJECT_BINARY_DIR}/${package}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${package}.pc" DESTINATION "${directory}")
endfunction()

if(NOT DVBCSS_BUILD_SHARED AND NOT DVBCSS_BUILD_STATIC)
  message(FATAL_ERROR "DVBCSS_BUILD_SHARED and DVBCSS_BUILD_STATIC are both off")
endif()

dvbcss_library(core dvbcss-core MODULES DVBCSS_CORE_MODULES PRIVATE PkgConfig::JANSSON m)
dvbcss_pkg_config(dvbcss-core)
get_property(io_modules GLOBAL PROPERTY DVBCSS_IO_MODULES)
set(DVBCSS_HAS_IO OFF)
if(io_modules)
  set(DVBCSS_HAS_IO ON)
  set(io_libraries PkgConfig::LIBWEBSOCKETS PkgConfig::OPENSSL)
  set(DVBCSS_IO_REQUIRES "libwebsockets, openssl")
  if(DVBCSS_BUILD_CLIENTS)
    list(APPEND io_libraries PkgConfig::EXPAT PkgConfig::LIBCURL)
    string(APPEND DVBCSS_IO_REQUIRES ", expat, libcurl")
  endif()
  dvbcss_library(dvbcss dvbcss MODULES DVBCSS_IO_MODULES ON core PUBLIC PkgConfig::LIBUV
                 PRIVATE ${io_libraries})
  dvbcss_pkg_config(dvbcss)
endif()

get_property(public_headers GLOBAL PROPERTY DVBCSS_PUBLIC_HEADERS)
install(FILES ${public_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/dvbcss")

include(CMakePackageConfigHelpers)
set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/dvbcss")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/packaging/dvbcssConfig.cmake.in" "${PROJECT_BINARY_DIR}/dvbcssConfig.cmake"
  INSTALL_DESTINATION "${package_directory}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor release may break: 0.1.x satisfies 0.1 only.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/dvbcssConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/dvbcssConfig.cmake"
              "${PROJECT_BINARY_DIR}/dvbcssConfigVersion.cmake"
        DESTINATION "${package_directory}")
install(EXPORT dvbcssTargets NAMESPACE dvbcss:: DESTINATION "${package_directory}")
