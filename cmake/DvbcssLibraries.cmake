# Assembles libdvbcss-core and libdvbcss from the modules.
get_property(core_modules GLOBAL PROPERTY DVBCSS_CORE_MODULES)
get_property(io_modules GLOBAL PROPERTY DVBCSS_IO_MODULES)

function(dvbcss_objects_of result)
  set(objects "")
  foreach(module IN LISTS ARGN)
    list(APPEND objects "$<TARGET_OBJECTS:${module}>")
  endforeach()
  set(${result} ${objects} PARENT_SCOPE)
endfunction()

dvbcss_objects_of(core_objects ${core_modules})
dvbcss_objects_of(io_objects ${io_modules})
