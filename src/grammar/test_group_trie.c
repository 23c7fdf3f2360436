// The trie by groups against what its keys say one by one.
#include "grammar/group_trie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N_KEYS = 300, MAX_KEY = 24 };

static char texts[N_KEYS][MAX_KEY + 1];
static qni_token_trie_key keys[N_KEYS];

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// Up to five characters, the last of which may be cut.
static uint32_t make_key(char *text, uint32_t *seed)
{
    static const char *const characters[] = {"a",
                                             "b",
                                             "Z",
                                             "7",
                                             " ",
                                             "/",
                                             "\xC2\xA0",
                                             "\xC3\xA9",
                                             "\xE2\x80\x93",
                                             "\xE2\x80\xA8",
                                             "\xE3\x80\x80",
                                             "\xE6\x97\xA5",
                                             "\xEE\x80\x80",
                                             "\xF0\x9F\x90\xB2"};
    size_t size = 0, n = 1 + next_random(seed) % 5;
    for (size_t i = 0; i < n; i++) {
        const char *c = characters[next_random(seed) % (sizeof characters / sizeof *characters)];
        size_t whole = strlen(c), take = whole;
        if (i + 1 == n && next_random(seed) % 4 == 0) {
            take = 1 + next_random(seed) % whole;
        }
        memcpy(text + size, c, take);
        size += take;
    }
    return (uint32_t)size;
}

static uint32_t length_of(unsigned char lead)
{
    return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

// The groups of the characters of a key that end behind `from` bytes, and that of a cut one.
static uint64_t groups_behind(const char *text, uint32_t size, uint32_t from)
{
    uint64_t groups = 0;
    for (uint32_t at = 0; at < size;) {
        uint32_t n = length_of((unsigned char)text[at]);
        uint32_t end = at + n < size ? at + n : size;
        // A cut character counts at the place where the key ends, too.
        if (end > from || (at + n > size && end == from)) {
            groups |= QNI_GROUP_BIT(qni_group_of((const uint8_t *)text + at, end - at));
        }
        at = end;
    }
    return groups;
}

// How many bytes of a character that is not complete stand before text[at].
static uint32_t begun_at(const char *text, uint32_t at)
{
    for (uint32_t i = 0; i < at;) {
        uint32_t n = length_of((unsigned char)text[i]);
        if (i + n > at) {
            return at - i;
        }
        i += n;
    }
    return 0;
}

static void check_node(const qni_group_trie *t, const qni_group_node *node, char *way,
                       uint32_t depth)
{
    way[depth] = (char)node->byte;
    uint64_t below = 0;
    uint32_t n = 0, height = 0;
    for (uint32_t i = 0; i < N_KEYS; i++) {
        uint32_t size = keys[i].size;
        if (size > depth && memcmp(keys[i].bytes, way, depth + 1) == 0) {
            below |= groups_behind(keys[i].bytes, size, depth + 1);
            height = size - depth - 1 > height ? size - depth - 1 : height;
            n++;
        }
    }
    uint32_t begun = begun_at(way, depth + 1);
    assert_int_equal(node->below & QNI_ALL_GROUPS, below);
    assert_int_equal(node->height, height);
    assert_int_equal(node->entry_end - node->entry, n);
    assert_int_equal(qni_group_node_begun(node), begun);
    uint32_t first = depth; // of the character that ends here
    while (begun == 0 && ((unsigned char)way[first] & 0xC0) == 0x80) {
        first--;
    }
    uint64_t own = QNI_GROUP_BIT(qni_group_of((uint8_t *)way + first, depth + 1 - first));
    assert_int_equal(qni_group_node_own(node), begun == 0 ? own : 0);
    uint32_t at = node->entry_end;
    for (uint32_t i = node->n_children; i-- > 0;) {
        const qni_group_node *child = &t->nodes[node->children + i];
        assert_int_equal(child->entry_end, at);
        at = child->entry;
        check_node(t, child, way, depth + 1);
    }
    for (uint32_t i = node->entry; i < at; i++) { // the keys that end here
        const char *text = texts[t->entries[i]];
        assert_memory_equal(text, way, depth + 1);
        assert_int_equal(t->groups[i], groups_behind(text, depth + 1, 0));
    }
}

static void test_nodes_know_the_groups_below(void **state)
{
    uint32_t seed = 5;
    for (uint32_t i = 0; i < N_KEYS; i++) {
        keys[i] = (qni_token_trie_key){texts[i], make_key(texts[i], &seed), i};
    }
    qni_group_trie t;
    assert_int_equal(qni_group_trie_begin(&t, keys, N_KEYS, NULL), QN_OK);
    assert_int_equal(t.n_entries, N_KEYS);
    char way[MAX_KEY + 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < t.n_roots; i++) {
        check_node(&t, &t.nodes[i], way, 0);
        n += t.nodes[i].entry_end - t.nodes[i].entry;
    }
    assert_int_equal(n, N_KEYS);
    qni_group_trie_end(&t);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_know_the_groups_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
