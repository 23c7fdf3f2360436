// Numbers of the command line: whole, in range, or a message that names the option.
#include "cli.h"

#include <errno.h>
#include <stdlib.h>

bool cli_int(const char *option, const char *text, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < lo || value > hi) {
        if (hi == INT64_MAX) {
            fprintf(stderr, "quince: %s %s: a whole number from %lld on is wanted\n", option, text,
                    (long long)lo);
        } else {
            fprintf(stderr, "quince: %s %s: a whole number from %lld to %lld is wanted\n", option,
                    text, (long long)lo, (long long)hi);
        }
        return false;
    }
    *out = value;
    return true;
}

bool cli_real(const char *option, const char *text, double lo, double hi, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= lo && value <= hi)) {
        fprintf(stderr, "quince: %s %s: a number from %g to %g is wanted\n", option, text, lo, hi);
        return false;
    }
    *out = value;
    return true;
}
