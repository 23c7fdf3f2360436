// What formulas say of strings and numbers: languages, sets, and single texts.
#include "grammar/formula.h"

qni_term qni_formula_term(qni_formulas *f, qni_formula a)
{
    bool found;
    uint32_t key[2] = {1, a};
    uint32_t *value = qni_formulas_memo(f, key, 2, &found);
    if (found) {
        return *value;
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a & ~(qni_formula)1, &n);
    qni_term term = f->terms->text;
    if (r[0] == QNI_ATOM_STRING) {
        term = r[1];
    } else if (r[0] == QNI_ATOM_AND) {
        for (size_t i = 1; i < n; i++) {
            qni_formula part = qni_formula_node(f, a & ~(qni_formula)1, NULL)[i];
            term = qni_term_and2(f->terms, term, qni_formula_term(f, part));
        }
    } else if (r[0] == QNI_ATOM_ONE) {
        term = QNI_TERM_NOTHING;
        for (size_t i = 0; i + 1 < n; i++) {
            qni_formula branch = qni_formula_branch(f, a & ~(qni_formula)1, i);
            term = qni_term_alt2(f->terms, term, qni_formula_term(f, branch));
        }
    }
    if ((a & 1) != 0) {
        term = qni_term_and2(f->terms, f->terms->text, qni_term_not(f->terms, term));
    }
    value = qni_formulas_memo(f, key, 2, &found);
    *value = term;
    return term;
}

bool qni_formula_only_text(qni_formulas *f, qni_formula a, qni_string *out)
{
    enum { MOST = 256 }; // bytes
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool conjunction = (a & 1) == 0 && r[0] == QNI_ATOM_AND;
    for (size_t i = 0; i < (conjunction ? n - 1 : 1); i++) {
        char text[MOST];
        size_t size;
        qni_formula part = conjunction ? r[i + 1] : a;
        const uint32_t *p = qni_formula_node(f, part, NULL);
        if ((part & 1) == 0 && p[0] == QNI_ATOM_STRING &&
            qni_term_text(f->terms, p[1], text, MOST, &size)) {
            *out = qni_string_make(f, text, size);
            return *out != 0;
        }
    }
    return false;
}

bool qni_formula_has_text(qni_formulas *f, qni_formula a, qni_string text)
{
    size_t n, n_true = 0;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool holds = r[0] == QNI_ATOM_TRUE;
    switch ((qni_atom)r[0]) {
    case QNI_ATOM_AND:
        holds = true;
        for (size_t i = 1; i < n && holds; i++) { // looking may make nodes
            holds = qni_formula_has_text(f, qni_formula_node(f, a, NULL)[i], text);
        }
        break;
    case QNI_ATOM_ONE:
        for (size_t i = 1; i < n && n_true < 2; i++) {
            n_true += qni_formula_has_text(f, qni_formula_node(f, a, NULL)[i], text);
        }
        holds = n_true == 1;
        break;
    case QNI_ATOM_TYPE: holds = r[1] == QNI_J_STRING; break;
    case QNI_ATOM_STRING: holds = qni_string_matches(f, text, r[1]); break;
    case QNI_ATOM_REF: {
        qni_formula open = qni_formula_for_type(f, a & ~(qni_formula)1, QNI_J_STRING);
        holds = qni_formula_has_text(f, open, text);
        break;
    }
    case QNI_ATOM_TRUE:
    case QNI_ATOM_NUMBER:
    case QNI_ATOM_ITEMS:
    case QNI_ATOM_MEMBERS:
    case QNI_ATOM_UNIQUE:
    case QNI_ATOM_HOLE:
    default: break;
    }
    return holds != ((a & 1) != 0);
}

bool qni_formula_numbers(qni_formulas *f, qni_formula a, qni_number_set *out)
{
    qni_numbers numbers = {f->arena, f->account};
    bool found;
    uint32_t key[2] = {2, a};
    uint32_t *value = qni_formulas_memo(f, key, 2, &found);
    if (found) {
        *out = f->sets[*value];
        return true;
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    if (!qni_number_all(&numbers, out)) {
        return false;
    }
    if (r[0] == QNI_ATOM_NUMBER) {
        *out = f->sets[r[1]];
    } else if (r[0] == QNI_ATOM_AND) {
        for (size_t i = 1; i < n; i++) {
            qni_number_set part;
            if (!qni_formula_numbers(f, qni_formula_node(f, a, NULL)[i], &part) ||
                !qni_number_and(&numbers, out, &part, out)) {
                return false;
            }
        }
    } else if (r[0] == QNI_ATOM_ONE) {
        *out = (qni_number_set){0};
        for (size_t i = 0; i + 1 < n; i++) {
            qni_number_set part;
            qni_formula branch = qni_formula_branch(f, a & ~(qni_formula)1, i);
            if (!qni_formula_numbers(f, branch, &part) ||
                !qni_number_or(&numbers, out, &part, out)) {
                return false;
            }
        }
    }
    if ((a & 1) != 0 && !qni_number_not(&numbers, out, out)) {
        return false;
    }
    qni_formula kept = qni_number_in(f, out);
    value = qni_formulas_memo(f, key, 2, &found);
    *value = qni_formula_node(f, kept, NULL)[1];
    return f->account->status == QN_OK;
}
