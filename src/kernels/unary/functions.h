// The functions of one number, in fp32: X(name) is qk_f_<name>(x, a, b). MIL's definitions; a and b
// are the operation's parameters (alpha, beta, epsilon) where it has any. What is fast is written
// here; the others take the C library's double precision and round once.
#ifndef QK_UNARY_FUNCTIONS_H
#define QK_UNARY_FUNCTIONS_H

#include "kernels/simd/math.h"

#define QK_UNARY_FUNCTIONS(X)                                                                      \
    X(abs)                                                                                         \
    X(acos)                                                                                        \
    X(asin)                                                                                        \
    X(atan) X(atanh) X(ceil) X(clip) X(cos) X(cosh) X(erf) X(exp) X(exp2) X(floor) X(inverse)      \
        X(log) X(logical_not) X(round) X(rsqrt) X(sign) X(sin) X(sinh) X(sqrt) X(square) X(tan)    \
            X(tanh) X(threshold) X(clamped_relu) X(elu) X(gelu_exact) X(gelu_tanh) X(gelu_sigmoid) \
                X(leaky_relu) X(linear_activation) X(relu) X(relu6) X(scaled_tanh) X(sigmoid)      \
                    X(sigmoid_hard) X(silu) X(softplus) X(softsign) X(thresholded_relu)

#define QK_F(name) static inline float qk_f_##name(float x, float a, float b)

QK_F(abs)
{
    (void)a;
    (void)b;
    return fabsf(x);
}
QK_F(acos)
{
    (void)a;
    (void)b;
    return (float)acos((double)x);
}
QK_F(asin)
{
    (void)a;
    (void)b;
    return (float)asin((double)x);
}
QK_F(atan)
{
    (void)a;
    (void)b;
    return (float)atan((double)x);
}
QK_F(atanh)
{
    (void)a;
    (void)b;
    return (float)atanh((double)x);
}
QK_F(ceil)
{
    (void)a;
    (void)b;
    return ceilf(x);
}
QK_F(clip)
{
    return x < a ? a : x > b ? b : x;
}
QK_F(cos)
{
    (void)a;
    (void)b;
    return (float)cos((double)x);
}
QK_F(cosh)
{
    (void)a;
    (void)b;
    return (float)cosh((double)x);
}
QK_F(erf)
{
    (void)a;
    (void)b;
    return (float)erf((double)x);
}
QK_F(exp)
{
    (void)a;
    (void)b;
    return qk_exp(x);
}
QK_F(exp2)
{
    (void)a;
    (void)b;
    return (float)exp2((double)x);
}
QK_F(floor)
{
    (void)a;
    (void)b;
    return floorf(x);
}
QK_F(inverse)
{
    (void)b;
    return 1.0f / (x + a);
}
QK_F(log)
{
    (void)b;
    return (float)log((double)x + (double)a);
}
QK_F(logical_not)
{
    (void)a;
    (void)b;
    return x != 0.0f ? 0.0f : 1.0f;
}
QK_F(round)
{
    (void)a;
    (void)b;
    return rintf(x);
} // halves to even
QK_F(rsqrt)
{
    (void)b;
    return 1.0f / sqrtf(x + a);
}
QK_F(sign)
{
    (void)a;
    (void)b;
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
}
QK_F(sin)
{
    (void)a;
    (void)b;
    return (float)sin((double)x);
}
QK_F(sinh)
{
    (void)a;
    (void)b;
    return (float)sinh((double)x);
}
QK_F(sqrt)
{
    (void)a;
    (void)b;
    return sqrtf(x);
}
QK_F(square)
{
    (void)a;
    (void)b;
    return x * x;
}
QK_F(tan)
{
    (void)a;
    (void)b;
    return (float)tan((double)x);
}
QK_F(tanh)
{
    (void)a;
    (void)b;
    return qk_tanh(x);
}
QK_F(threshold)
{
    (void)b;
    return x < a ? a : x;
}
QK_F(relu)
{
    (void)a;
    (void)b;
    return x < 0.0f ? 0.0f : x;
}
QK_F(relu6)
{
    (void)a;
    (void)b;
    return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
}
QK_F(leaky_relu)
{
    (void)b;
    return x < 0.0f ? a * x : x;
}
QK_F(clamped_relu)
{
    float y = x < 0.0f ? a * x : x;
    return y > b ? b : y;
}
QK_F(elu)
{
    (void)b;
    return x > 0.0f ? x : a * (qk_exp(x) - 1.0f);
}
QK_F(gelu_exact)
{
    (void)a;
    (void)b;
    return (float)(0.5 * (double)x * (1.0 + erf((double)x * 0.70710678118654752)));
}
QK_F(gelu_tanh)
{
    (void)a;
    (void)b;
    float t = qk_tanh(0.797884561f * fmaf(0.044715f * x * x, x, x));
    return 0.5f * x * (1.0f + t);
}
QK_F(gelu_sigmoid)
{
    (void)a;
    (void)b;
    return x * qk_sigmoid(1.702f * x);
}
QK_F(linear_activation)
{
    return a * x + b;
}
QK_F(scaled_tanh)
{
    return a * qk_tanh(b * x);
}
QK_F(sigmoid)
{
    (void)a;
    (void)b;
    return qk_sigmoid(x);
}
QK_F(sigmoid_hard)
{
    float y = a * x + b;
    return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
}
QK_F(silu)
{
    (void)a;
    (void)b;
    return x / (1.0f + qk_exp(-x));
}
QK_F(softplus)
{
    (void)a;
    (void)b;
    return (float)((x > 0.0f ? (double)x : 0.0) + log1p(exp(-fabs((double)x))));
}
QK_F(softsign)
{
    (void)a;
    (void)b;
    return x / (1.0f + fabsf(x));
}
QK_F(thresholded_relu)
{
    (void)b;
    return x < a ? 0.0f : x;
}

#undef QK_F

#endif
