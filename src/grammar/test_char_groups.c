#include "base/utf8.h"
#include "grammar/char_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// ECMA-262, 12.2 and 12.3: white space (of category Zs, or named) and the ends of lines.
static bool is_space(uint32_t c)
{
    return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
           c == 0x3000 || c == 0xFEFF;
}

// RFC 3987, 2.2: the characters of the first plane that `ucschar` leaves out.
static bool is_rare(uint32_t c)
{
    return c < 0xA0 || (c >= 0xE000 && c <= 0xF8FF) || (c >= 0xFDD0 && c <= 0xFDEF) || c >= 0xFFF0;
}

static unsigned group_of(uint32_t c)
{
    return c < 0x80                     ? qni_ascii_group(c)
           : c >= 0x10000               ? QNI_GROUP_BEYOND
           : c == 0x2028 || c == 0x2029 ? QNI_GROUP_LINE
           : is_space(c)                ? QNI_GROUP_SPACE
           : is_rare(c)                 ? QNI_GROUP_RARE
                                        : QNI_GROUP_WIDE;
}

static void test_each_character_has_its_group(void **state)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char text[4];
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        size_t n = (size_t)qni_utf8_encode(c, text);
        assert_int_equal(qni_group_of((const uint8_t *)text, n), group_of(c));
    }
    (void)state;
}

// Each is in one part.
static void test_parts_are_of_one_group(void **state)
{
    size_t part = 0, n = 0;
    for (unsigned b = 0x20; b < 0x80; b++) {
        part += b > qni_ascii_parts[part].last;
        assert_in_range(b, qni_ascii_parts[part].first, qni_ascii_parts[part].last);
        assert_int_equal(qni_ascii_group(b), qni_ascii_group(qni_ascii_parts[part].first));
    }
    assert_int_equal(part, QNI_N_ASCII_PARTS - 1);
    for (part = 0; part < QNI_N_WIDE_PARTS; part++) {
        size_t product = 1;
        for (unsigned k = 0; k < qni_wide_parts[part].n_bytes; k++) {
            product *= 1u + qni_wide_parts[part].bytes[k][1] - qni_wide_parts[part].bytes[k][0];
        }
        n += product;
    }
    assert_int_equal(n, 0x110000 - 0x800 - 0x80);
    (void)state;
}

static void test_cut_characters_have_the_group_of_all_that_begin_so(void **state)
{
    static const struct {
        const char *text;
        unsigned group;
    } rows[] = {
        {"\xC2", QNI_GROUP_CUT},      {"\xC3", QNI_GROUP_WIDE},       {"\xE1", QNI_GROUP_CUT},
        {"\xE1\x9A", QNI_GROUP_CUT},  {"\xE1\x9B", QNI_GROUP_WIDE},   {"\xE2\x80", QNI_GROUP_CUT},
        {"\xE2\x82", QNI_GROUP_WIDE}, {"\xEE", QNI_GROUP_RARE},       {"\xEF\xA0", QNI_GROUP_RARE},
        {"\xEF\xBF", QNI_GROUP_CUT},  {"\xF0\x9F", QNI_GROUP_BEYOND}, {"\xF4", QNI_GROUP_BEYOND}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = rows[i].text[1] == '\0' ? 1 : 2;
        assert_int_equal(qni_group_of((const uint8_t *)rows[i].text, n), rows[i].group);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_character_has_its_group),
        cmocka_unit_test(test_parts_are_of_one_group),
        cmocka_unit_test(test_cut_characters_have_the_group_of_all_that_begin_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
