"""A mistake in a command is one line, exit code 2, and nothing started or written."""

import pytest


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("task.gap=-5", "task.gap must be at least num_symbols + 1 = 11, got -5"),
        ("task.gap=2.5", "task.gap must be a valid integer, got 2.5"),
        ("task.gap=20.0", "task.gap must be a valid integer, got 20.0"),
        ("task.gap=true", "task.gap must be a valid integer, got True"),
        ("task.gap=null", "task.gap must be a valid integer, got None"),
        ("task=copy task.gap=3", "task.gap must be at least num_symbols + 1 = 11, got 3"),
        ("task=adding task.gap=1", "task.gap must be at least 2, got 1"),
        (
            "task.gap=2000000",
            "the command's task's gap must be a whole number from 1 to 1048576, got 2000000",
        ),
        (
            "+task.alfabet_size=4",
            "task.alfabet_size is not an option of copy (did you mean alphabet_size?)",
        ),
        (
            "cell=transformer cell.heads=5",
            "hidden_size must be even and a multiple of 5 heads, got 64",
        ),
        (
            "cell=torch_module cell.module=torch.nn.modules.rnn.GRU cell.arguments={layers:2}",
            "arguments must fit GRU at hidden size 64, got {'layers': 2}: RNNBase.__init__() got "
            "an unexpected keyword argument 'layers'",
        ),
        ("task.score_on=some", "task.score_on must be 'answers' or 'all', got 'some'"),
        ("task=adding task.tolerance=2", "task.tolerance must be above 0 and at most 1, got 2.0"),
        (
            "trainer.lr=abc",
            "trainer.lr must be a number above 0, auto, or a list of different ones, got 'abc'",
        ),
        (
            "trainer.lr=nan",
            "trainer.lr must be a number above 0, auto, or a list of different ones, got nan",
        ),
        (
            "trainer.lr=inf",
            "trainer.lr must be a number above 0, auto, or a list of different ones, got inf",
        ),
        (
            f"trainer.lr={10**400}",
            "trainer.lr must be a number above 0, auto, or a list of different ones, got 1000",
        ),
        (
            f"trainer.clip_norm={10**400}",
            "trainer.clip_norm must be a number above 0, or null for no clipping, got 1000",
        ),
        (
            "trainer.lr=-1",
            "trainer.lr must be a number above 0, auto, or a list of different ones, got -1",
        ),
        (
            "trainer.lr=[1e-3,1e-3]",
            "trainer.lr must be a number above 0, auto, or a list of different ones, "
            "got [0.001, 0.001]",
        ),
        (
            "trainer.lr=[auto,auto]",
            "trainer.lr must be a number above 0, auto, or a list of different ones, "
            "got ['auto', 'auto']",
        ),
        (
            "task.gap_schedule=slow",
            "task.gap_schedule must be one of fixed, uniform, growing, got 'slow'",
        ),
        (
            "task.gap_schedule=growing trainer.train_set_size=100",
            "task.gap_schedule must be fixed where trainer.train_set_size is given, got 'growing'",
        ),
        (
            "task=copy,keys task.num_keys=3",
            "task.num_keys is not an option of copy (choose from name, gap, gap_schedule, ",
        ),
        ("cell=lstm,rnn cell.keep_bias=2", "cell.keep_bias is not an option of rnn (choose from "),
        (
            "engine=torch cell=lem",
            "engine must be another than torch for a cell that torch.nn lacks",
        ),
        (
            "trainer.lr=auto tuning.rates=0.003,0.01",
            "tuning.rates must be a list of different numbers above 0, as in "
            '"tuning.rates=[0.003,0.01]", got 0.003',
        ),
        ("model.match=size", "model.match must be 'hidden', 'parameters' or 'state', got 'size'"),
        ("+trainer.stepps=1", "trainer.stepps is not an option (did you mean steps?)"),
        ("trainer.stepz=1", "trainer.stepz is not an option (did you mean steps?)"),
        ("task.gab=20", "task.gab is not an option of copy (did you mean gap?)"),
        ("worker=2", "worker is not an option (did you mean workers?)"),
        (
            "tracker.server=x",
            "tracker.server is not an option "
            "(choose from kind, mode, project, entity, group, tags, notes)",
        ),
        ("trainer.lr.first=1", "trainer.lr.first is not an option"),
        (
            "+trainer.foo=1",
            "trainer.foo is not an option "
            "(choose from lr, steps, batch_size, clip_norm, clip_value, optimizer, eval_every, "
            "eval_size, train_set_size)",
        ),
        ("trainer.steps=0", "trainer.steps must be greater than or equal to 1, got 0"),
        (
            "trainer.clip_norm=0",
            "trainer.clip_norm must be a number above 0, or null for no clipping, got 0",
        ),
        (
            "trainer.clip_value=-1",
            "trainer.clip_value must be a number above 0, or null for no clipping, got -1",
        ),
        (
            "trainer.optimizer=adamw",
            "trainer.optimizer must be 'adam', 'rmsprop' or 'sgd', got 'adamw'",
        ),
        (
            "trainer.train_set_size=63",
            "trainer.train_set_size must be null for fresh data, or a whole number from 64 to "
            "268435200, got 63",
        ),
        (
            "trainer.train_set_size=2.5",
            "trainer.train_set_size must be null for fresh data, or a whole number from 64 to",
        ),
        (
            "trainer.train_set_size=true",
            "trainer.train_set_size must be null for fresh data, or a whole number from 64 to",
        ),
        (
            "trainer.train_set_size=64 trainer.steps=16000000",
            "trainer.train_set_size must be null for fresh data, or a whole number from 977 to",
        ),
        ("trainer.batch_size=x trainer.train_set_size=64", "trainer.batch_size must be a valid"),
        ("task.encoding=x", "task.encoding must be 'onehot' or 'scalar', got 'x'"),
        ("task.longest_gap=19", "task.longest_gap must be null or at least gap = 20, got 19"),
        (
            "task=adding task.layout=hs97 task.gap=11",
            "task.gap must be at least 12 in layout hs97, got 11",
        ),
        ("model.hidden_size=0", "model.hidden_size must be greater than or equal to 1, got 0"),
        (
            "model.num_layers=999999999999",
            "model.num_layers must be less than or equal to 1024, got",
        ),
        (
            "model.hidden_size=9999999",
            "model.hidden_size must be less than or equal to 1048576, got",
        ),
        ("trainer.eval_size=999999999999", "trainer.eval_size must be less than or equal to"),
        ("task.name='' name=a", "task.name must be a name, got"),
        (f"cell.name={'x' * 201} name=a", "cell.name must be a name, got 'xxx"),
        (f"name={'x' * 201} output_dir=out", "name must have at most 200 characters, got 'xxx"),
        ("model.hidden_size=many", "model.hidden_size must be a valid integer, got 'many'"),
        ("model.num_layers=0", "model.num_layers must be greater than or equal to 1, got 0"),
        ("model.wiring=tree", "model.wiring must be 'chain' or 'balanced', got 'tree'"),
        ("model.wiring=balanced", "model.wiring must be chain for a task with 10 answers, got"),
        *(
            (
                f"task=recall model.wiring=balanced {setting}={given}",
                f"{setting} must be {rule} where model.wiring is balanced, got {given}",
            )
            for setting, rule, given in (
                ("model.num_layers", "1", "2"),
                ("model.bidirectional", "false", "true"),
                ("model.block", "plain", "residual"),
                ("model.window", "1", "3"),
            )
        ),
        (
            "task=recall model.wiring=balanced cell=transformer",
            "model.wiring must be chain for Transformer, which reads whole sequences, got balanced",
        ),
        ("model.bidirectional=2", "model.bidirectional must be a valid boolean, got 2"),
        ("cell=lstmm", "cell must be one that --help lists, got lstmm"),
        ("task=[{a:1}]", "task must be a name, got [{a:1}]"),
        ("+cluster=[{a:1}]", "cluster must be a name, got [{a:1}]"),
        ("task=copi", "task must be one of adding, brackets, copy, delay, flip_flop, "),
        ("cell.keep_bias=x", "cell.keep_bias must be a valid number, got 'x'"),
        ("cell.keep_bias=nan", "cell.keep_bias must be a finite number, got nan"),
        (
            "cell.init=zero",
            "cell.init must be 'torch', 'glorot', 'orthogonal', 'identity', 'chrono' or "
            "'published', got 'zero'",
        ),
        (
            "cell=rnn cell.init=chrono",
            "cell.init must be one of torch, glorot, orthogonal, identity, got chrono",
        ),
        (
            "engine=warp",
            "engine must be 'auto', 'reference', 'compiled', 'torch' or 'triton', got 'warp'",
        ),
        (
            "engine=triton device=cpu",
            "engine must be auto, reference, compiled or torch on cpu, got triton",
        ),
        (
            "model.precision=tf32",
            "model.precision must be strict unless engine=triton and dtype=float32, got tf32",
        ),
        ("device=tpu", "device must be 'auto', 'cpu' or 'cuda', got 'tpu'"),
        ("dtype=float16", "dtype must be 'float32' or 'float64', got 'float16'"),
        (
            "condition_seconds=0",
            "condition_seconds must be a number of seconds above 0, or null for no limit, got 0",
        ),
        ("workers=0", "workers must be auto or a whole number of at least 1, got 0"),
        ("dry_run=maybe", "dry_run must be a valid boolean, got 'maybe'"),
        ("name=a/b", "name must be letters, digits, dots, dashes and underscores, got 'a/b'"),
        ("+sweep=nope", "sweep must be one of atlas, curriculum, gaps, "),
        ("+foo=1", "foo is not an option (choose from "),
        ("+seed=1", "seed is not an option (did you mean seeds=[1]?)"),
        (
            "tracker.mode=loud",
            "tracker.mode must be 'auto', 'online', 'offline' or 'disabled', got 'loud'",
        ),
        (
            "tracker.project=a/b",
            "tracker.project must be 1 to 128 printable characters, none of / \\ # ? % :, "
            "got 'a/b'",
        ),
        (
            "tracker.entity=a:b",
            "tracker.entity must be 1 to 128 printable characters, none of / \\ # ? % :, or null, "
            "got 'a:b'",
        ),
        (
            "tracker.tags=['']",
            "tracker.tags must be a list of texts of 1 to 64 printable characters, got ['']",
        ),
        (
            "tracker.group=''",
            "tracker.group must be 1 to 128 printable characters, or null, got ''",
        ),
        ("+cell._target_x=1", "cell._target_x is not an option of lstm (choose"),
        ("cell._target_=os.system", "cell must be a Cell, got os.system"),
        (
            "cell._target_=no.such.Cell",
            "cell must name a class that can be imported, got no.such.Cell",
        ),
        ("task._target_=rnnbench.cells.GRU", "task must be a Task, got rnnbench.cells.GRU"),
        ("workers=auto workers=2,3", "workers must be the same in all jobs of results/copy-lstm"),
        ("task.gap=20 --nonsense", "unrecognized arguments: --nonsense"),
        ("--config-dir nowhere", "--config-dir must be a directory, got 'nowhere'"),
        ("task.gap=20 --config-dir", "--config-dir must be a directory, got ''"),
        ("--config-dir . hydra.searchpath=x", "hydra.searchpath must be a list of strings. Got: x"),
        ("cell=5", "cell must be one that --help lists, got 5"),
        ("task=copy,recall +trainer.steps=5", "An item is already at 'trainer.steps'"),
        ("hydra/sweeper=basic", "hydra/sweeper must be left alone, got basic"),
        ("name=größe", "name=größe cannot be read at ö: put it in quotes, as in \"name='größe'\""),
        ("name='a", "name='a has a quote that is not closed"),
        ("hydra.mode=RUN", "hydra.mode must be left alone, got RUN"),
        ("+sweep=gaps,smoke", "sweep must be one name, got gaps,smoke"),
        (f"output_dir={'x' * 300}", "output_dir must be a place for a directory: "),
        ("trainer.lr=glob(*)", "trainer.lr must have a value, got glob(*)"),
        ("task=glob(x*)", "task must have a value, got glob(x*)"),
        ("task.gap=range(5,2)", "task.gap must have a value, got range(5,2)"),
        ("task.gap", "task.gap is not key=value (did you mean task.gap=...?)"),
    ],
)
def test_one_line_that_names_key_rule_and_value(refuse, words, line):
    assert line in refuse(*words.split())


@pytest.mark.parametrize(
    "seeds", ["0", "-1", "[]", "[1,1]", "[-1]", "[1008]", "1009", "2.5", "x", "true"]
)
def test_seeds(refuse, seeds):
    rule = "seeds must be a number from 1 to 1008, or a list of different ones from 0 to 1007, got"
    assert refuse(f"seeds={seeds}").startswith(rule)


@pytest.mark.parametrize("place", ["file/below", "file"])
def test_an_output_directory_that_cannot_be_made(refuse, in_tmp, place):
    (in_tmp / "file").write_text("")
    line = refuse(f"output_dir={place}")
    assert line.startswith(f"output_dir must be a place for a directory, got {place}")
    assert line.endswith("is not a directory)")


def test_one_bad_job_of_a_sweep_stops_all(refuse):
    line = refuse("+sweep=gaps", "task.gap=20,40,3")
    assert line == "task.gap must be at least num_symbols + 1 = 11, got 3"


def test_a_command_knows_nothing_of_one_that_failed(refuse, sweeps_of):
    refuse("task.gap=12,13", "trainer.steps=5,${nosuch}")
    (sweep,) = sweeps_of("task.gap=20")
    assert [condition.task["gap"] for condition, _ in sweep.jobs] == [20]


@pytest.mark.parametrize("word", ["task.gap=-5", "task=nothing", "trainer.lr=abc", "engine=fast"])
def test_a_mistake_has_a_class_of_its_own(word):
    from rnnbench.cli.compose import compose
    from rnnbench.cli.message import ConfigError
    from rnnbench.cli.sweeps import make_sweeps

    with pytest.raises(ConfigError, match="must"):
        make_sweeps(compose([word]))
