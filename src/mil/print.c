#include "mil/print.h"

#include <math.h>

enum {
    MAX_SHOWN = 8, // elements of a constant
};

typedef struct printer {
    const qni_function *function;
    qni_buf *out;
    qn_error *err;
} printer;

static qn_status indent(const printer *p, int depth)
{
    return qni_buf_printf(p->out, p->err, "%*s", 4 * depth, "");
}

static qn_status print_string(const printer *p, const char *text)
{
    QNI_TRY(qni_buf_add_text(p->out, "\"", p->err));
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            QNI_TRY(qni_buf_printf(p->out, p->err, "\\%c", c));
        } else if (c < 0x20) {
            QNI_TRY(qni_buf_printf(p->out, p->err, "\\x%02x", c));
        } else {
            QNI_TRY(qni_buf_add(p->out, text, 1, p->err));
        }
    }
    return qni_buf_add_text(p->out, "\"", p->err);
}

static qn_status print_element(const printer *p, const qni_tensor *t, int64_t i)
{
    if (t->dtype == QNI_STRING) {
        return print_string(p, ((const char *const *)t->data)[i]);
    }
    if (t->dtype == QNI_BOOL) {
        return qni_buf_add_text(p->out, qni_tensor_get_int(t, i) != 0 ? "true" : "false", p->err);
    }
    if (qni_dtype_is_float(t->dtype)) {
        return qni_buf_printf(p->out, p->err, "%.9g", qni_tensor_get(t, i));
    }
    return qni_buf_printf(p->out, p->err, "%lld", (long long)qni_tensor_get_int(t, i));
}

static qn_status print_constant(const printer *p, const qni_tensor *t)
{
    char type[160];
    int64_t n = qni_tensor_count(t);
    if (n > MAX_SHOWN) {
        return qni_buf_printf(p->out, p->err, "%s(...)", qni_tensor_describe(t, type, sizeof type));
    }
    if (t->rank > 1) {
        QNI_TRY(qni_buf_add_text(p->out, qni_tensor_describe(t, type, sizeof type), p->err));
    }
    if (t->rank > 0) {
        QNI_TRY(qni_buf_add_text(p->out, t->rank > 1 ? "(" : "[", p->err));
    }
    for (int64_t i = 0; i < n; i++) {
        QNI_TRY(qni_buf_add_text(p->out, i == 0 ? "" : ", ", p->err));
        QNI_TRY(print_element(p, t, i));
    }
    return t->rank > 0 ? qni_buf_add_text(p->out, t->rank > 1 ? ")" : "]", p->err) : QN_OK;
}

static qn_status print_arg(const printer *p, const qni_value *value)
{
    if (value->op == NULL && value->constant != NULL) {
        return print_constant(p, value->constant);
    }
    return qni_buf_printf(p->out, p->err, "%%%s", value->name);
}

static qn_status print_args(const printer *p, const qni_op *op)
{
    bool first = true;
    for (size_t i = 0; i < op->def->n_params; i++) {
        const qni_param *param = &op->def->params[i];
        if (op->params[i].count == 0) {
            continue;
        }
        bool variadic = (param->flags & QNI_VARIADIC) != 0;
        QNI_TRY(qni_buf_printf(p->out, p->err, "%s%s=%s", first ? "" : ", ", param->name,
                               variadic ? "(" : ""));
        first = false;
        for (size_t j = 0; j < op->params[i].count; j++) {
            QNI_TRY(qni_buf_add_text(p->out, j == 0 ? "" : ", ", p->err));
            QNI_TRY(print_arg(p, qni_arg_at(op, i, j)));
        }
        QNI_TRY(qni_buf_add_text(p->out, variadic ? ")" : "", p->err));
    }
    return QN_OK;
}

static qn_status print_typed(const printer *p, const qni_value *value)
{
    char type[400];
    qni_type_describe(&p->function->symbols, &value->type, type, sizeof type);
    return qni_buf_printf(p->out, p->err, "%%%s: %s", value->name, type);
}

static qn_status print_block(const printer *p, const qni_block *block, int depth);

static qn_status print_op(const printer *p, const qni_op *op, int depth)
{
    QNI_TRY(indent(p, depth));
    for (uint32_t i = 0; i < op->n_outs; i++) {
        QNI_TRY(qni_buf_add_text(p->out, i == 0 ? "" : ", ", p->err));
        QNI_TRY(print_typed(p, op->outs[i]));
    }
    QNI_TRY(qni_buf_printf(p->out, p->err, "%s%s(", op->n_outs != 0 ? " = " : "", op->def->name));
    QNI_TRY(print_args(p, op));
    QNI_TRY(qni_buf_add_text(p->out, ")\n", p->err));
    for (uint32_t i = 0; i < op->n_blocks; i++) {
        QNI_TRY(print_block(p, op->blocks[i], depth + 1));
    }
    return QN_OK;
}

static qn_status print_block(const printer *p, const qni_block *block, int depth)
{
    QNI_TRY(indent(p, depth));
    QNI_TRY(qni_buf_add_text(p->out, "(", p->err));
    for (uint32_t i = 0; i < block->n_inputs; i++) {
        QNI_TRY(qni_buf_add_text(p->out, i == 0 ? "" : ", ", p->err));
        QNI_TRY(print_typed(p, block->inputs[i]));
    }
    QNI_TRY(qni_buf_add_text(p->out, ") {\n", p->err));
    for (uint32_t i = 0; i < block->n_ops; i++) {
        QNI_TRY(print_op(p, block->ops[i], depth + 1));
    }
    QNI_TRY(indent(p, depth));
    QNI_TRY(qni_buf_add_text(p->out, "} -> (", p->err));
    for (uint32_t i = 0; i < block->n_outputs; i++) {
        QNI_TRY(qni_buf_add_text(p->out, i == 0 ? "" : ", ", p->err));
        QNI_TRY(print_arg(p, block->outputs[i]));
    }
    return qni_buf_add_text(p->out, ")\n", p->err);
}

qn_status qni_function_print(const qni_function *function, qni_buf *out, qn_error *err)
{
    printer p = {function, out, err};
    QNI_TRY(
        qni_buf_printf(out, err, "func @%s %s\n", function->name, qni_opset_name(function->opset)));
    return print_block(&p, function->body, 0);
}

qn_status qni_program_print(const qni_program *program, qni_buf *out, qn_error *err)
{
    for (uint32_t i = 0; i < program->n_functions; i++) {
        QNI_TRY(qni_function_print(program->functions[i], out, err));
    }
    return QN_OK;
}
