# dvbcss_embed(INPUT OUTPUT NAME HEADER): writes the C source OUTPUT with the bytes of INPUT as
# `const unsigned char NAME[]` and their number as `const size_t NAME_length`. HEADER declares both.
# While configuring, and again when INPUT changes: tools that read compile_commands.json before
# anything is built find the source there.
function(dvbcss_embed input output name header)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${input}")
  file(READ "${input}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR length "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
  file(CONFIGURE OUTPUT "${output}" CONTENT
       "#include \"${header}\"\n\nconst unsigned char ${name}[] = {\n${bytes}};\nconst size_t ${name}_length = ${length};\n"
       @ONLY)
endfunction()
