// What is known of a term from its parts, found once when it is made.
#include "grammar/term_impl.h"

static uint32_t add_lengths(uint32_t a, uint32_t b)
{
    return a > QNI_TERM_NO_MAX / 2 || b > QNI_TERM_NO_MAX / 2 ? QNI_TERM_NO_MAX / 2 : a + b;
}

// Bounds on a new term's texts, from its parts.
static void measure(qni_terms *terms, qni_term id)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, id, &n);
    uint32_t least = 0, reach = r[0] == QNI_TERM_KIND_SET;
    uint8_t counted = r[0] == QNI_TERM_KIND_REPEAT && r[3] != QNI_TERM_NO_MAX;
    size_t last = r[0] == QNI_TERM_KIND_REPEAT ? 2 : n;
    for (size_t i = 1; i < last && r[0] != QNI_TERM_KIND_SET && r[0] != QNI_TERM_KIND_NOT; i++) {
        const qni_term_info *part = &terms->info[r[i]];
        counted |= part->counted;
        uint32_t way = part->reach - 1;
        if (r[0] == QNI_TERM_KIND_CONCAT && i == 1) {
            way = add_lengths(way, terms->info[r[2]].least);
        }
        reach = way > reach ? way : reach;
        if (r[0] == QNI_TERM_KIND_CONCAT) {
            least = add_lengths(least, part->least);
        } else if (r[0] == QNI_TERM_KIND_ALT) {
            least = i == 1 || part->least < least ? part->least : least;
        } else {
            least = part->least > least ? part->least : least;
        }
    }
    if (r[0] == QNI_TERM_KIND_REPEAT) {
        uint64_t all = (uint64_t)least * r[2];
        uint32_t more = all > QNI_TERM_NO_MAX / 2 ? QNI_TERM_NO_MAX / 2 : (uint32_t)all - least;
        reach = r[2] == 0 ? reach : add_lengths(reach, more);
        least = all > QNI_TERM_NO_MAX / 2 ? QNI_TERM_NO_MAX / 2 : (uint32_t)all;
    }
    terms->info[id].least = r[0] == QNI_TERM_KIND_SET ? 1 : least;
    terms->info[id].counted = counted;
    // Without intersections, the ways out of the parts add up; with them they must be looked for.
    terms->info[id].reach = terms->info[id].crossed ? 0 : reach + 1;
}

// What a new term takes whatever is written; all three may be false though they hold.
static void describe_freedom(const qni_terms *terms, const uint32_t *r, size_t n,
                             qni_term_info *info)
{
    bool any_text = r[0] == QNI_TERM_KIND_ALL ||
                    (r[0] == QNI_TERM_KIND_REPEAT && r[1] == terms->character && r[1] != 0 &&
                     r[3] == QNI_TERM_NO_MAX);
    info->open = info->ideal = info->free = any_text;
    if (r[0] == QNI_TERM_KIND_CONCAT) {
        const qni_term_info *first = &terms->info[r[1]], *second = &terms->info[r[2]];
        bool goes_on = second->life == QNI_LIFE_YES;
        info->open = second->open;
        info->ideal = first->ideal && goes_on && first->open && second->open;
        info->free = first->free && goes_on;
    } else if (r[0] == QNI_TERM_KIND_ALT || r[0] == QNI_TERM_KIND_AND) {
        bool some_ideal = false, all_ideal = true, some_free = false, all_open = true;
        for (size_t i = 1; i < n; i++) {
            const qni_term_info *part = &terms->info[r[i]];
            some_ideal = some_ideal || part->ideal;
            all_ideal = all_ideal && part->ideal;
            some_free = some_free || part->free;
            all_open = all_open && part->open;
        }
        // Texts of ideals, one behind the other, are in all of them.
        info->open = all_open;
        info->ideal = r[0] == QNI_TERM_KIND_ALT ? some_ideal : all_ideal;
        info->free = info->ideal || (r[0] == QNI_TERM_KIND_ALT && some_free);
    }
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

// The name of a new term. Members of a sum or an intersection have no order of their own.
static void give_name(const qni_terms *terms, const uint32_t *r, size_t n, qni_term_info *info)
{
    bool by_members = r[0] == QNI_TERM_KIND_ALT || r[0] == QNI_TERM_KIND_AND;
    size_t n_parts = r[0] == QNI_TERM_KIND_SET ? 1 : r[0] == QNI_TERM_KIND_REPEAT ? 2 : n;
    for (uint64_t half = 0; half < 2; half++) {
        uint64_t h = mix(half + 1, r[0] + 1), sum = 0;
        for (size_t i = 1; i < n_parts; i++) {
            uint64_t part = r[i] == QNI_TERM_NOTHING ? 0 : terms->info[r[i]].name[half];
            sum += mix(part, 7);
            h = by_members ? h : mix(h, part);
        }
        for (size_t i = n_parts; i < n; i++) { // the words of a set, the bounds of a repetition
            h = mix(h, r[i]);
        }
        info->name[half] = by_members ? mix(h, sum) : h;
    }
}

// The facts of a new term, from its parts.
void qni_term_describe(qni_terms *terms, qni_term id)
{
    size_t n;
    const uint32_t *r = qni_term_record(terms, id, &n);
    qni_term_info *info = &terms->info[id];
    *info = (qni_term_info){0};
    bool any = r[0] == QNI_TERM_KIND_ALT;
    bool all_null = true, some_null = false, whole = true, some_whole = false;
    size_t last = r[0] == QNI_TERM_KIND_REPEAT ? 2 : n;
    for (size_t i = 1; i < last && r[0] != QNI_TERM_KIND_SET; i++) {
        if (r[i] == 0) {
            continue; // the complement of nothing
        }
        const qni_term_info *part = &terms->info[r[i]];
        all_null = all_null && part->nullable;
        some_null = some_null || part->nullable;
        whole = whole && part->whole;
        some_whole = some_whole || part->whole;
        info->crossed |= part->crossed;
    }
    switch (r[0]) {
    case QNI_TERM_KIND_SET: info->whole = (r[5] | r[6] | r[7] | r[8]) == 0; break;
    case QNI_TERM_KIND_NOT:
        info->nullable = !some_null;
        info->crossed = 1;
        break;
    case QNI_TERM_KIND_AND:
        info->nullable = all_null;
        info->crossed = 1;
        info->whole = some_whole;
        break;
    case QNI_TERM_KIND_REPEAT:
        info->nullable = r[2] == 0;
        info->whole = whole;
        break;
    default:
        info->nullable = any ? some_null : all_null;
        info->whole = whole && r[0] != QNI_TERM_KIND_ALL;
        break;
    }
    info->life = info->crossed && !info->nullable ? QNI_LIFE_UNKNOWN : QNI_LIFE_YES;
    describe_freedom(terms, r, n, info);
    give_name(terms, r, n, info);
    measure(terms, id);
}
