#!/usr/bin/env python3
"""Tests of the scripts in tools and of tests/cli/run: each is shown a small tree with one fault."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = '#ifndef X\n#define X\nint qni_x(void);\n#endif\n'


class Tree(unittest.TestCase):
    """A tree of a few files in a temporary folder."""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.root = pathlib.Path(self.temporary.name)
        self.write('tools/layers.txt', (ROOT / 'tools/layers.txt').read_text())

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self, tool, *said):
        """Runs a tool over the tree: it fails and says all of `said`, or passes if there is none."""
        run = subprocess.run([ROOT / 'tools' / tool, self.root], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1 if said else 0, run.stdout + run.stderr)
        for words in said:
            self.assertIn(words, run.stdout)


class Layers(Tree):
    def include(self, source, *names):
        self.write(source, ''.join(f'#include "{name}"\n' for name in names))

    def setUp(self):
        super().setUp()
        for path in ('src/base/buf.h', 'src/mil/ir.h', 'src/ops/ops.h', 'src/plan/plan.h',
                     'src/runner/runner.h', 'src/kernels/kernel.h', 'src/kernels/dot/dot.h',
                     'src/kernels/dot/pack.h', 'src/kernels/norm/norm.h', 'src/kernels/simd/f32.h',
                     'include/quince/status.h', 'tests/torture.h', 'apps/cli/cli.h'):
            self.write(path, HEADER)

    def test_allowed(self):
        self.include('src/base/x.c', 'base/buf.h', 'quince/status.h')
        self.include('src/mil/x.c', 'mil/ir.h', 'base/buf.h')
        self.include('src/ops/x.c', 'mil/ir.h', 'plan/plan.h', 'kernels/dot/dot.h',
                     'kernels/kernel.h')
        self.include('src/compile/x.c', 'ops/ops.h', 'kernels/dot/pack.h')
        self.include('src/kernels/dot/x.c', 'kernels/dot/pack.h', 'kernels/kernel.h',
                     'kernels/simd/f32.h')
        self.include('src/mil/test_x.c', 'mil/ir.h', 'tests/torture.h')
        self.include('src/spec/x.c', 'spec/model.pb-c.h')
        self.include('src/api/x.c', 'quince/status.h', 'ops/ops.h', 'runner/runner.h')
        self.include('apps/cli/x.c', 'cli/cli.h', 'quince/status.h', 'base/buf.h')
        self.include('tests/unit/test_x.c', 'ops/ops.h', 'tests/torture.h')
        self.check('check_layers')

    def test_refused(self):
        for source, name in (('src/base/x.c', 'mil/ir.h'), ('src/mil/x.c', 'ops/ops.h'),
                             ('src/mil/test_x.c', 'ops/ops.h'), ('src/mil/x.c', 'quince/status.h'),
                             ('src/exec/x.c', 'mil/ir.h'), ('src/ops/x.c', 'kernels/dot/pack.h'),
                             ('src/kernels/norm/x.c', 'kernels/dot/dot.h'),
                             ('src/kernels/dot/x.c', 'mil/ir.h'),
                             ('src/kernels/kernel2.h', 'kernels/dot/dot.h'),
                             ('src/lm/x.c', 'ops/ops.h'), ('apps/cli/x.c', 'ops/ops.h'),
                             ('include/quince/x.h', 'base/buf.h'),
                             ('src/api/x.c', 'cli/cli.h'),
                             ('src/new/x.c', 'base/buf.h'), ('src/base/x.c', 'buf.h'),
                             ('src/mil/x.c', 'base/../ops/ops.h'), ('src/base/x.c', 'base/none.h'),
                             ('src/base/x.c', 'tests/torture.h')):
            with self.subTest(source=source, name=name):
                self.write(source, f'// one\n#include "{name}"\n')
                self.check('check_layers', f'{source}:2: ')
                (self.root / source).unlink()

    def test_angle_brackets_and_c_files(self):
        self.write('src/mil/x.c', '#include <ops/ops.h>\n#include "mil/y.c"\n#include <stdio.h>\n')
        self.write('src/mil/y.c', '')
        self.check('check_layers', 'src/mil/x.c:1: ', 'src/mil/x.c:2: ', '2 faults')

    def test_cycles(self):
        self.include('src/mil/a.h', 'mil/b.h')
        self.include('src/mil/b.h', 'mil/c.h')
        self.include('src/mil/c.h', 'mil/a.h')
        self.check('check_layers', 'a cycle', 'src/mil/b.h -> src/mil/c.h')

    def test_cycle_in_the_table(self):
        table = (ROOT / 'tools/layers.txt').read_text().replace('runner:\n', 'runner: lm\n')
        self.write('tools/layers.txt', table)
        self.check('check_layers', 'tools/layers.txt: a cycle')


class Headers(Tree):
    def test_complete_headers(self):
        self.write('include/quince/a.h', HEADER)
        self.write('src/base/a.h', '#ifndef Y\n#define Y\n#include <stddef.h>\n'
                   'static inline size_t f(void) { return 1; }\n#endif\n')
        self.check('check_headers')

    def test_a_missing_include(self):
        self.write('src/base/a.h', 'size_t f(void);\n')
        self.check('check_headers', 'base/a.h does not compile alone')

    def test_a_missing_guard(self):
        self.write('src/base/a.h', 'enum { A };\n')
        self.check('check_headers', 'base/a.h does not compile alone')

    def test_a_public_header_that_is_not_c_plus_plus(self):
        self.write('include/quince/a.h', '#ifndef X\n#define X\nint f(int class);\n#endif\n')
        self.check('check_headers', 'quince/a.h does not compile alone', '1 faults')


class Ops(Tree):
    LIST = '// comment\nQNI_OP(gelu, IOS15, activation)\nQNI_OP(gather, IOS15, scatter_gather)\n' \
           'QNI_OP_VERSION(gather, IOS17, ios17, scatter_gather)\n'

    def op(self, name, family, opset):
        return (f'const qni_op_def qni_op_{name} = {{\n    .name = "{name.split("__")[0]}",\n'
                f'    .opset = QNI_IOS{opset},\n    .family = "{family}",\n}};\n')

    def setUp(self):
        super().setUp()
        self.write('src/ops/ops.def', self.LIST)
        self.write('src/ops/activation.c', self.op('gelu', 'activation', 15))
        self.write('src/ops/scatter_gather_new.c', self.op('gather', 'scatter_gather', 15) +
                   self.op('gather__ios17', 'scatter_gather', 17))

    def test_all_is_well(self):
        self.check('check_ops')

    def test_no_operations_yet(self):
        for file in (self.root / 'src/ops').iterdir():
            file.unlink()
        self.check('check_ops')

    def test_not_listed(self):
        self.write('src/ops/activation_more.c', self.op('elu', 'activation', 15))
        self.check('check_ops', 'qni_op_elu is not listed')

    def test_through_a_macro(self):
        self.write('src/ops/activation_more.c', '#define UNARY_AT(name, after, f) \\\n'
                   '    const qni_op_def qni_op_##name##after = {.name = #name, .opset = f};\n'
                   '#define UNARY(name) UNARY_AT(name, , QNI_IOS15)\nUNARY(elu)\nUNARY(silu)\n')
        self.check('check_ops', 'qni_op_elu is not listed', 'qni_op_silu is not listed', '2 faults')

    def test_not_defined(self):
        self.write('src/ops/ops.def', self.LIST.replace('QNI_OP(gelu', 'QNI_OP(elu, IOS15, '
                   'activation)\nQNI_OP(gelu'))
        self.check('check_ops', 'ops.def:2: no descriptor qni_op_elu')

    def test_listed_otherwise(self):
        self.write('src/ops/activation.c', self.op('gelu', 'conv', 16))
        self.check('check_ops', 'is of family conv', 'is of QNI_IOS16')

    def test_order_and_lines(self):
        lines = self.LIST.splitlines()
        for order, said in (([0, 2, 3, 1], 'is not sorted'), ([0, 1, 3, 2], 'is not sorted'),
                            ([0, 1, 2, 2, 3], 'is there already')):
            with self.subTest(order=order):
                self.write('src/ops/ops.def', '\n'.join(lines[i] for i in order) + '\n')
                self.check('check_ops', said)
        self.write('src/ops/ops.def', self.LIST + 'QNI_OP(x)\n')
        self.check('check_ops', 'ops.def:5: neither')
        self.write('src/ops/ops.def', self.LIST.replace('ios17', 'ios18'))
        self.check('check_ops', 'ops.def:4: IOS17 in lower case')


class Source(Tree):
    def test_all_is_well(self):
        self.write('src/mil/x.c', '// malloc(1), and "a tab" in words\n'
                   'static const char *text = "free(x) /* ";\nint f(struct s *s)\n{\n'
                   '    static_assert(1, "");\n    s->free(s);\n    return qni_exit(s);\n}\n')
        self.write('src/base/y.c', 'void f(void)\n{\n    free(malloc(1));\n}\n')
        self.write('src/mil/test_x.c', 'void f(void)\n{\n    free(malloc(1));\n}\n')
        self.check('check_source')

    def test_banned_calls(self):
        self.write('src/mil/x.c', 'void f(void)\n{\n    free(malloc (1));\n    assert(0);\n}\n')
        self.write('src/base/y.c', 'void g(void)\n{\n    exit(1);\n}\n')
        self.write('apps/cli/x.c', 'int main(void)\n{\n    return atoi("1");\n}\n')
        self.check('check_source', 'src/mil/x.c:3: free', 'src/mil/x.c:3: malloc',
                   'src/mil/x.c:4: assert', 'src/base/y.c:3: exit', 'apps/cli/x.c:3: atoi',
                   '5 faults')

    def test_white_space_and_width(self):
        self.write('src/text/x.c', f'int a;\t\nint b; \n// {"x" * 98}\nint c;')
        self.check('check_source', 'x.c:1: a tab', 'x.c:1: trailing', 'x.c:2: trailing',
                   'x.c:3: 101 columns', 'x.c:4: no newline')

    def test_lengths(self):
        body = '    x();\n'
        self.write('src/text/x.c', 'void f(void)\n{\n' + body * 149 + '}\n')
        self.check('check_source')
        self.write('src/text/x.c', 'void f(void)\n{\n' + body * 150 + '}\n')
        self.check('check_source', 'x.c:2: a function of 151 lines')
        self.write('src/text/x.c', '// line\n' * 1501)
        self.check('check_source', 'x.c:1501: a file of 1501 lines')

    def test_names(self):
        for path in ('src/mil/x.c', 'src/text/x.c', 'src/api/x.c', 'src/kernels/dot/ref.c',
                     'src/kernels/norm/ref.c', 'src/kernels/norm/test.c'):
            self.write(path, '')
        self.check('check_source', 'src/text/x.c:1: the name is taken by src/mil/x.c', '1 faults')

    def test_exports(self):
        for name, status in (('qn_open', 0), ('qni_open', 1)):
            self.write('x.c', f'int {name}(void);\nint {name}(void) {{ return 0; }}\n')
            library = self.root / 'libx.so'
            subprocess.run(['cc', '-shared', '-fPIC', '-o', library, self.root / 'x.c'], check=True)
            run = subprocess.run([ROOT / 'tools/check_source', '--exports', library],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, status, run.stdout)
            self.assertEqual(name in run.stdout, status == 1)


class CommandLine(unittest.TestCase):
    """tests/cli/run, with sh's own commands for the binary."""

    def run_script(self, files, *options):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                pathlib.Path(folder, name).write_text(text)
            run = subprocess.run([ROOT / 'tests/cli/run', *options, pathlib.Path(folder, 'a.sh'),
                                  '/bin/echo'], capture_output=True, text=True)
            after = {file.name: file.read_text() for file in pathlib.Path(folder).iterdir()}
        return run.returncode, run.stdout, after

    def assert_status(self, want, files):
        status, said, _ = self.run_script(files)
        self.assertEqual(status, want, said)

    def test_exact(self):
        script = '$QUINCE one two\n'
        self.assert_status(0, {'a.sh': script, 'a.stdout.exact': 'one two\n'})
        self.assert_status(1, {'a.sh': script, 'a.stdout.exact': 'one two'})
        self.assert_status(1, {'a.sh': script})
        self.assert_status(1, {'a.sh': 'echo x >&2\n'})
        self.assert_status(0, {'a.sh': 'echo x >&2\n', 'a.stderr.exact': 'x\n'})

    def test_glob(self):
        script = 'printf "a 1\\nb\\nc\\nd 22\\n"\n'
        for pattern, want in (('a ?\n...\nd *\n', 0), ('a ?\nd *\n', 1), ('...\n', 0),
                              ('...\nb\n...\n', 0), ('...\nb\n', 1), ('a [2-9]\n...\n', 1)):
            with self.subTest(pattern=pattern):
                self.assert_status(want, {'a.sh': script, 'a.stdout.glob': pattern})

    def test_exit_status(self):
        self.assert_status(1, {'a.sh': 'exit 3\n'})
        self.assert_status(0, {'a.sh': 'exit 3\n', 'a.exit': '3\n'})
        self.assert_status(1, {'a.sh': 'true\n', 'a.exit': '3\n'})
        self.assert_status(1, {'a.sh': 'false\ntrue\n'})  # sh -e

    def test_folder_is_empty_and_own(self):
        self.assert_status(0, {'a.sh': 'ls -A; test "$PWD" != "$HERE"; test -f "$HERE/a.sh"\n'})

    def test_update(self):
        _, _, after = self.run_script({'a.sh': 'echo x; exit 2\n', 'a.stderr.exact': 'old\n'},
                                      '--update')
        self.assertEqual((after['a.stdout.exact'], after['a.exit']), ('x\n', '2\n'))
        self.assertNotIn('a.stderr.exact', after)


if __name__ == '__main__':
    os.environ.pop('QUINCE_GENERATED', None)
    sys.exit(unittest.main())
