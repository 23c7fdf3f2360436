// quince/api.h: what marks a function as part of the library's public surface.
#ifndef QUINCE_API_H
#define QUINCE_API_H

#if defined(__GNUC__)
#define QN_API __attribute__((visibility("default")))
#else
#define QN_API
#endif

#endif
