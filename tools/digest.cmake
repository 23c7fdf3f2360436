# cmake -DOUT=HEADER -DNAME=MACRO "-DFILES=A B ..." -P digest.cmake: a header that defines MACRO as the digest of the
# files' contents.
separate_arguments(FILES UNIX_COMMAND "${FILES}")
set(all "")
foreach(file IN LISTS FILES)
  file(SHA256 ${file} digest)
  string(APPEND all ${digest})
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING ${digest} 0 32 digest)
file(WRITE ${OUT} "#define ${NAME} \"${digest}\"\n")
