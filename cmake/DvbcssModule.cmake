# dvbcss_module(NAME [IO] SOURCES file... [HEADERS header...] [DEPENDS module...]
#               [LIBRARIES target...])
#
# One module is one static archive with its internals visible: what the unit tests link, and what
# the installed libraries are assembled from. A module sees only the modules that it names in
# DEPENDS, so a dependency that points up the layer picture does not link.
# HEADERS are its public headers, named as in include/dvbcss/: they are installed with it.
# IO marks a module of libdvbcss; without it a module belongs to libdvbcss-core.
add_library(dvbcss_flags INTERFACE)
target_compile_options(
  dvbcss_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
                         -Wpointer-arith -Wvla -Wformat=2 -fno-common)
if(DVBCSS_WERROR)
  target_compile_options(dvbcss_flags INTERFACE -Werror)
endif()
target_include_directories(dvbcss_flags INTERFACE "${PROJECT_SOURCE_DIR}/include"
                                                  "${PROJECT_SOURCE_DIR}")

function(dvbcss_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "IO" "" "SOURCES;HEADERS;DEPENDS;LIBRARIES")
  set(target dvbcss_m_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  list(TRANSFORM arg_DEPENDS PREPEND dvbcss_m_)
  target_link_libraries(${target} PUBLIC dvbcss_flags ${arg_DEPENDS} ${arg_LIBRARIES})
  if(arg_IO)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    set_property(GLOBAL APPEND PROPERTY DVBCSS_IO_MODULES ${target})
  else()
    set_property(GLOBAL APPEND PROPERTY DVBCSS_CORE_MODULES ${target})
  endif()
  set_target_properties(${target} PROPERTIES DVBCSS_HEADERS "${arg_HEADERS}")
  list(TRANSFORM arg_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/dvbcss/")
  set_property(GLOBAL APPEND PROPERTY DVBCSS_PUBLIC_HEADERS ${arg_HEADERS})
endfunction()
