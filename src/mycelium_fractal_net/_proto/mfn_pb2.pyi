from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Array(_message.Message):
    __slots__ = ("shape", "dtype", "data")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    dtype: str
    data: bytes
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., dtype: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("status", "version", "env", "uptime_s", "ready")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    status: str
    version: str
    env: str
    uptime_s: float
    ready: bool
    def __init__(self, status: _Optional[str] = ..., version: _Optional[str] = ..., env: _Optional[str] = ..., uptime_s: _Optional[float] = ..., ready: _Optional[bool] = ...) -> None: ...

class ValidateRequest(_message.Message):
    __slots__ = ("seed", "epochs", "batch_size", "grid_size", "steps", "turing_enabled", "quantum_jitter")
    SEED_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    GRID_SIZE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TURING_ENABLED_FIELD_NUMBER: _ClassVar[int]
    QUANTUM_JITTER_FIELD_NUMBER: _ClassVar[int]
    seed: int
    epochs: int
    batch_size: int
    grid_size: int
    steps: int
    turing_enabled: bool
    quantum_jitter: bool
    def __init__(self, seed: _Optional[int] = ..., epochs: _Optional[int] = ..., batch_size: _Optional[int] = ..., grid_size: _Optional[int] = ..., steps: _Optional[int] = ..., turing_enabled: _Optional[bool] = ..., quantum_jitter: _Optional[bool] = ...) -> None: ...

class CheckResult(_message.Message):
    __slots__ = ("name", "expected", "got", "tolerance", "passed", "reference")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    expected: _struct_pb2.Value
    got: _struct_pb2.Value
    tolerance: float
    passed: bool
    reference: str
    def __init__(self, name: _Optional[str] = ..., expected: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., got: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., tolerance: _Optional[float] = ..., passed: _Optional[bool] = ..., reference: _Optional[str] = ...) -> None: ...

class ValidateResponse(_message.Message):
    __slots__ = ("passed", "loss_start", "loss_final", "loss_drop", "r2_held_out", "target", "pot_min_mv", "pot_max_mv", "example_fractal_dim", "lyapunov_exponent", "growth_events", "nernst_symbolic_mv", "nernst_numeric_mv", "checks", "lyapunov_standard_error", "lyapunov_converged")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    LOSS_START_FIELD_NUMBER: _ClassVar[int]
    LOSS_FINAL_FIELD_NUMBER: _ClassVar[int]
    LOSS_DROP_FIELD_NUMBER: _ClassVar[int]
    R2_HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    POT_MIN_MV_FIELD_NUMBER: _ClassVar[int]
    POT_MAX_MV_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FRACTAL_DIM_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    GROWTH_EVENTS_FIELD_NUMBER: _ClassVar[int]
    NERNST_SYMBOLIC_MV_FIELD_NUMBER: _ClassVar[int]
    NERNST_NUMERIC_MV_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    LYAPUNOV_CONVERGED_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    loss_start: float
    loss_final: float
    loss_drop: float
    r2_held_out: float
    target: str
    pot_min_mv: float
    pot_max_mv: float
    example_fractal_dim: float
    lyapunov_exponent: float
    growth_events: int
    nernst_symbolic_mv: float
    nernst_numeric_mv: float
    checks: _containers.RepeatedCompositeFieldContainer[CheckResult]
    lyapunov_standard_error: float
    lyapunov_converged: bool
    def __init__(self, passed: _Optional[bool] = ..., loss_start: _Optional[float] = ..., loss_final: _Optional[float] = ..., loss_drop: _Optional[float] = ..., r2_held_out: _Optional[float] = ..., target: _Optional[str] = ..., pot_min_mv: _Optional[float] = ..., pot_max_mv: _Optional[float] = ..., example_fractal_dim: _Optional[float] = ..., lyapunov_exponent: _Optional[float] = ..., growth_events: _Optional[int] = ..., nernst_symbolic_mv: _Optional[float] = ..., nernst_numeric_mv: _Optional[float] = ..., checks: _Optional[_Iterable[_Union[CheckResult, _Mapping]]] = ..., lyapunov_standard_error: _Optional[float] = ..., lyapunov_converged: _Optional[bool] = ...) -> None: ...

class NernstRequest(_message.Message):
    __slots__ = ("z_valence", "concentration_out_molar", "concentration_in_molar", "temperature_k")
    Z_VALENCE_FIELD_NUMBER: _ClassVar[int]
    CONCENTRATION_OUT_MOLAR_FIELD_NUMBER: _ClassVar[int]
    CONCENTRATION_IN_MOLAR_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_K_FIELD_NUMBER: _ClassVar[int]
    z_valence: int
    concentration_out_molar: float
    concentration_in_molar: float
    temperature_k: float
    def __init__(self, z_valence: _Optional[int] = ..., concentration_out_molar: _Optional[float] = ..., concentration_in_molar: _Optional[float] = ..., temperature_k: _Optional[float] = ...) -> None: ...

class NernstResponse(_message.Message):
    __slots__ = ("potential_mv",)
    POTENTIAL_MV_FIELD_NUMBER: _ClassVar[int]
    potential_mv: float
    def __init__(self, potential_mv: _Optional[float] = ...) -> None: ...

class FeatureConfig(_message.Message):
    __slots__ = ("active_threshold_mv", "cluster_thresholds_mv", "rest_potential_mv", "stability_share", "stability_window", "connectivity", "box_scales")
    ACTIVE_THRESHOLD_MV_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_THRESHOLDS_MV_FIELD_NUMBER: _ClassVar[int]
    REST_POTENTIAL_MV_FIELD_NUMBER: _ClassVar[int]
    STABILITY_SHARE_FIELD_NUMBER: _ClassVar[int]
    STABILITY_WINDOW_FIELD_NUMBER: _ClassVar[int]
    CONNECTIVITY_FIELD_NUMBER: _ClassVar[int]
    BOX_SCALES_FIELD_NUMBER: _ClassVar[int]
    active_threshold_mv: float
    cluster_thresholds_mv: _containers.RepeatedScalarFieldContainer[float]
    rest_potential_mv: float
    stability_share: float
    stability_window: int
    connectivity: int
    box_scales: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, active_threshold_mv: _Optional[float] = ..., cluster_thresholds_mv: _Optional[_Iterable[float]] = ..., rest_potential_mv: _Optional[float] = ..., stability_share: _Optional[float] = ..., stability_window: _Optional[int] = ..., connectivity: _Optional[int] = ..., box_scales: _Optional[_Iterable[int]] = ...) -> None: ...

class ExtractFeaturesRequest(_message.Message):
    __slots__ = ("array", "periodic", "config", "spectrum", "sets")
    ARRAY_FIELD_NUMBER: _ClassVar[int]
    PERIODIC_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    SPECTRUM_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    array: Array
    periodic: bool
    config: FeatureConfig
    spectrum: bool
    sets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, array: _Optional[_Union[Array, _Mapping]] = ..., periodic: _Optional[bool] = ..., config: _Optional[_Union[FeatureConfig, _Mapping]] = ..., spectrum: _Optional[bool] = ..., sets: _Optional[_Iterable[str]] = ...) -> None: ...

class Spectrum(_message.Message):
    __slots__ = ("wavenumbers", "power", "wavelength_cells")
    WAVENUMBERS_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    WAVELENGTH_CELLS_FIELD_NUMBER: _ClassVar[int]
    wavenumbers: _containers.RepeatedScalarFieldContainer[float]
    power: _containers.RepeatedScalarFieldContainer[float]
    wavelength_cells: float
    def __init__(self, wavenumbers: _Optional[_Iterable[float]] = ..., power: _Optional[_Iterable[float]] = ..., wavelength_cells: _Optional[float] = ...) -> None: ...

class BoxCounting(_message.Message):
    __slots__ = ("dimension", "r2", "standard_error", "verdict", "scales", "counts", "thickness")
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    R2_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    SCALES_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    THICKNESS_FIELD_NUMBER: _ClassVar[int]
    dimension: float
    r2: float
    standard_error: float
    verdict: str
    scales: _containers.RepeatedScalarFieldContainer[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    thickness: float
    def __init__(self, dimension: _Optional[float] = ..., r2: _Optional[float] = ..., standard_error: _Optional[float] = ..., verdict: _Optional[str] = ..., scales: _Optional[_Iterable[int]] = ..., counts: _Optional[_Iterable[int]] = ..., thickness: _Optional[float] = ...) -> None: ...

class ExtractFeaturesResponse(_message.Message):
    __slots__ = ("features", "units", "box_counting", "spectrum")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class UnitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    BOX_COUNTING_FIELD_NUMBER: _ClassVar[int]
    SPECTRUM_FIELD_NUMBER: _ClassVar[int]
    features: _containers.ScalarMap[str, float]
    units: _containers.ScalarMap[str, str]
    box_counting: BoxCounting
    spectrum: Spectrum
    def __init__(self, features: _Optional[_Mapping[str, float]] = ..., units: _Optional[_Mapping[str, str]] = ..., box_counting: _Optional[_Union[BoxCounting, _Mapping]] = ..., spectrum: _Optional[_Union[Spectrum, _Mapping]] = ...) -> None: ...

class StabilityRequest(_message.Message):
    __slots__ = ("kinetics", "kinetics_parameters")
    class KineticsParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    KINETICS_FIELD_NUMBER: _ClassVar[int]
    KINETICS_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    kinetics: str
    kinetics_parameters: _containers.ScalarMap[str, float]
    def __init__(self, kinetics: _Optional[str] = ..., kinetics_parameters: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Band(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class StabilityResponse(_message.Message):
    __slots__ = ("kinetics", "parameters", "steady_state", "jacobian", "homogeneous_stable", "turing_unstable", "wavelength_cells", "wavelength_lattice_cells", "max_growth_rate", "band", "explanation")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    KINETICS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    STEADY_STATE_FIELD_NUMBER: _ClassVar[int]
    JACOBIAN_FIELD_NUMBER: _ClassVar[int]
    HOMOGENEOUS_STABLE_FIELD_NUMBER: _ClassVar[int]
    TURING_UNSTABLE_FIELD_NUMBER: _ClassVar[int]
    WAVELENGTH_CELLS_FIELD_NUMBER: _ClassVar[int]
    WAVELENGTH_LATTICE_CELLS_FIELD_NUMBER: _ClassVar[int]
    MAX_GROWTH_RATE_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    kinetics: str
    parameters: _containers.ScalarMap[str, float]
    steady_state: _containers.RepeatedScalarFieldContainer[float]
    jacobian: _containers.RepeatedCompositeFieldContainer[Row]
    homogeneous_stable: bool
    turing_unstable: bool
    wavelength_cells: float
    wavelength_lattice_cells: float
    max_growth_rate: float
    band: Band
    explanation: str
    def __init__(self, kinetics: _Optional[str] = ..., parameters: _Optional[_Mapping[str, float]] = ..., steady_state: _Optional[_Iterable[float]] = ..., jacobian: _Optional[_Iterable[_Union[Row, _Mapping]]] = ..., homogeneous_stable: _Optional[bool] = ..., turing_unstable: _Optional[bool] = ..., wavelength_cells: _Optional[float] = ..., wavelength_lattice_cells: _Optional[float] = ..., max_growth_rate: _Optional[float] = ..., band: _Optional[_Union[Band, _Mapping]] = ..., explanation: _Optional[str] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("step", "parameter", "value", "over")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OVER_FIELD_NUMBER: _ClassVar[int]
    step: int
    parameter: str
    value: float
    over: int
    def __init__(self, step: _Optional[int] = ..., parameter: _Optional[str] = ..., value: _Optional[float] = ..., over: _Optional[int] = ...) -> None: ...

class Stimulus(_message.Message):
    __slots__ = ("step", "row", "column", "radius", "variable", "value", "mode")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    step: int
    row: float
    column: float
    radius: float
    variable: str
    value: float
    mode: str
    def __init__(self, step: _Optional[int] = ..., row: _Optional[float] = ..., column: _Optional[float] = ..., radius: _Optional[float] = ..., variable: _Optional[str] = ..., value: _Optional[float] = ..., mode: _Optional[str] = ...) -> None: ...

class SimulationConfig(_message.Message):
    __slots__ = ("grid_size", "steps", "seed", "alpha", "leak", "spike_probability", "turing_enabled", "turing_threshold", "turing_drive_mv", "quantum_jitter", "jitter_std_mv", "boundary", "kinetics", "kinetics_parameters", "rest_potential_mv", "clamp_mv", "dtype", "least_substeps", "schedule", "stimuli", "start", "start_digest", "domain", "stencil", "resolution", "scheme")
    class KineticsParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    GRID_SIZE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    LEAK_FIELD_NUMBER: _ClassVar[int]
    SPIKE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    TURING_ENABLED_FIELD_NUMBER: _ClassVar[int]
    TURING_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TURING_DRIVE_MV_FIELD_NUMBER: _ClassVar[int]
    QUANTUM_JITTER_FIELD_NUMBER: _ClassVar[int]
    JITTER_STD_MV_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    KINETICS_FIELD_NUMBER: _ClassVar[int]
    KINETICS_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    REST_POTENTIAL_MV_FIELD_NUMBER: _ClassVar[int]
    CLAMP_MV_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    LEAST_SUBSTEPS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    STIMULI_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    START_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    STENCIL_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    grid_size: int
    steps: int
    seed: int
    alpha: float
    leak: float
    spike_probability: float
    turing_enabled: bool
    turing_threshold: float
    turing_drive_mv: float
    quantum_jitter: bool
    jitter_std_mv: float
    boundary: str
    kinetics: str
    kinetics_parameters: _containers.ScalarMap[str, float]
    rest_potential_mv: float
    clamp_mv: _containers.RepeatedScalarFieldContainer[float]
    dtype: str
    least_substeps: int
    schedule: _containers.RepeatedCompositeFieldContainer[Change]
    stimuli: _containers.RepeatedCompositeFieldContainer[Stimulus]
    start: str
    start_digest: str
    domain: _containers.RepeatedScalarFieldContainer[int]
    stencil: int
    resolution: int
    scheme: str
    def __init__(self, grid_size: _Optional[int] = ..., steps: _Optional[int] = ..., seed: _Optional[int] = ..., alpha: _Optional[float] = ..., leak: _Optional[float] = ..., spike_probability: _Optional[float] = ..., turing_enabled: _Optional[bool] = ..., turing_threshold: _Optional[float] = ..., turing_drive_mv: _Optional[float] = ..., quantum_jitter: _Optional[bool] = ..., jitter_std_mv: _Optional[float] = ..., boundary: _Optional[str] = ..., kinetics: _Optional[str] = ..., kinetics_parameters: _Optional[_Mapping[str, float]] = ..., rest_potential_mv: _Optional[float] = ..., clamp_mv: _Optional[_Iterable[float]] = ..., dtype: _Optional[str] = ..., least_substeps: _Optional[int] = ..., schedule: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., stimuli: _Optional[_Iterable[_Union[Stimulus, _Mapping]]] = ..., start: _Optional[str] = ..., start_digest: _Optional[str] = ..., domain: _Optional[_Iterable[int]] = ..., stencil: _Optional[int] = ..., resolution: _Optional[int] = ..., scheme: _Optional[str] = ...) -> None: ...

class SimulateRequest(_message.Message):
    __slots__ = ("stream", "config", "every", "include", "field", "encoding", "max_rate_hz", "resume_after", "sets", "feature_config")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    MAX_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    stream: str
    config: SimulationConfig
    every: int
    include: _containers.RepeatedScalarFieldContainer[str]
    field: str
    encoding: str
    max_rate_hz: float
    resume_after: int
    sets: _containers.RepeatedScalarFieldContainer[str]
    feature_config: FeatureConfig
    def __init__(self, stream: _Optional[str] = ..., config: _Optional[_Union[SimulationConfig, _Mapping]] = ..., every: _Optional[int] = ..., include: _Optional[_Iterable[str]] = ..., field: _Optional[str] = ..., encoding: _Optional[str] = ..., max_rate_hz: _Optional[float] = ..., resume_after: _Optional[int] = ..., sets: _Optional[_Iterable[str]] = ..., feature_config: _Optional[_Union[FeatureConfig, _Mapping]] = ...) -> None: ...

class Statistics(_message.Message):
    __slots__ = ("pot_min_mv", "pot_max_mv", "pot_mean_mv", "pot_std_mv")
    POT_MIN_MV_FIELD_NUMBER: _ClassVar[int]
    POT_MAX_MV_FIELD_NUMBER: _ClassVar[int]
    POT_MEAN_MV_FIELD_NUMBER: _ClassVar[int]
    POT_STD_MV_FIELD_NUMBER: _ClassVar[int]
    pot_min_mv: float
    pot_max_mv: float
    pot_mean_mv: float
    pot_std_mv: float
    def __init__(self, pot_min_mv: _Optional[float] = ..., pot_max_mv: _Optional[float] = ..., pot_mean_mv: _Optional[float] = ..., pot_std_mv: _Optional[float] = ...) -> None: ...

class GrowthEvent(_message.Message):
    __slots__ = ("step", "row", "column", "jump_mv")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    JUMP_MV_FIELD_NUMBER: _ClassVar[int]
    step: int
    row: int
    column: int
    jump_mv: float
    def __init__(self, step: _Optional[int] = ..., row: _Optional[int] = ..., column: _Optional[int] = ..., jump_mv: _Optional[float] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("total_steps", "config")
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    total_steps: int
    config: SimulationConfig
    def __init__(self, total_steps: _Optional[int] = ..., config: _Optional[_Union[SimulationConfig, _Mapping]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("step", "statistics", "features", "growth_events", "field", "range")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    STEP_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    GROWTH_EVENTS_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    step: int
    statistics: Statistics
    features: _containers.ScalarMap[str, float]
    growth_events: _containers.RepeatedCompositeFieldContainer[GrowthEvent]
    field: Array
    range: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, step: _Optional[int] = ..., statistics: _Optional[_Union[Statistics, _Mapping]] = ..., features: _Optional[_Mapping[str, float]] = ..., growth_events: _Optional[_Iterable[_Union[GrowthEvent, _Mapping]]] = ..., field: _Optional[_Union[Array, _Mapping]] = ..., range: _Optional[_Iterable[float]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("seed", "parameters_digest", "initial_field_digest", "version", "result_digest")
    SEED_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INITIAL_FIELD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESULT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    seed: int
    parameters_digest: str
    initial_field_digest: str
    version: str
    result_digest: str
    def __init__(self, seed: _Optional[int] = ..., parameters_digest: _Optional[str] = ..., initial_field_digest: _Optional[str] = ..., version: _Optional[str] = ..., result_digest: _Optional[str] = ...) -> None: ...

class SimulationResult(_message.Message):
    __slots__ = ("growth_events", "turing_activations", "clamping_events", "pot_min_mv", "pot_max_mv", "pot_mean_mv", "pot_std_mv", "fractal_dimension", "features")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    GROWTH_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TURING_ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    CLAMPING_EVENTS_FIELD_NUMBER: _ClassVar[int]
    POT_MIN_MV_FIELD_NUMBER: _ClassVar[int]
    POT_MAX_MV_FIELD_NUMBER: _ClassVar[int]
    POT_MEAN_MV_FIELD_NUMBER: _ClassVar[int]
    POT_STD_MV_FIELD_NUMBER: _ClassVar[int]
    FRACTAL_DIMENSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    growth_events: int
    turing_activations: int
    clamping_events: int
    pot_min_mv: float
    pot_max_mv: float
    pot_mean_mv: float
    pot_std_mv: float
    fractal_dimension: float
    features: _containers.ScalarMap[str, float]
    def __init__(self, growth_events: _Optional[int] = ..., turing_activations: _Optional[int] = ..., clamping_events: _Optional[int] = ..., pot_min_mv: _Optional[float] = ..., pot_max_mv: _Optional[float] = ..., pot_mean_mv: _Optional[float] = ..., pot_std_mv: _Optional[float] = ..., fractal_dimension: _Optional[float] = ..., features: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Completed(_message.Message):
    __slots__ = ("result", "receipt", "config")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    result: SimulationResult
    receipt: Receipt
    config: SimulationConfig
    def __init__(self, result: _Optional[_Union[SimulationResult, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., config: _Optional[_Union[SimulationConfig, _Mapping]] = ...) -> None: ...

class SimulateResponse(_message.Message):
    __slots__ = ("stream", "sequence", "started", "frame", "heartbeat", "completed")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    stream: str
    sequence: int
    started: Started
    frame: Frame
    heartbeat: Heartbeat
    completed: Completed
    def __init__(self, stream: _Optional[str] = ..., sequence: _Optional[int] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., frame: _Optional[_Union[Frame, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., completed: _Optional[_Union[Completed, _Mapping]] = ...) -> None: ...

class AggregateStart(_message.Message):
    __slots__ = ("length", "rule", "num_clusters", "byzantine_fraction", "seed", "radius")
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    NUM_CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    BYZANTINE_FRACTION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RADIUS_FIELD_NUMBER: _ClassVar[int]
    length: int
    rule: str
    num_clusters: int
    byzantine_fraction: float
    seed: int
    radius: float
    def __init__(self, length: _Optional[int] = ..., rule: _Optional[str] = ..., num_clusters: _Optional[int] = ..., byzantine_fraction: _Optional[float] = ..., seed: _Optional[int] = ..., radius: _Optional[float] = ...) -> None: ...

class UpdateChunk(_message.Message):
    __slots__ = ("client", "values", "dtype", "last")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    client: str
    values: bytes
    dtype: str
    last: bool
    def __init__(self, client: _Optional[str] = ..., values: _Optional[bytes] = ..., dtype: _Optional[str] = ..., last: _Optional[bool] = ...) -> None: ...

class AggregateRequest(_message.Message):
    __slots__ = ("start", "chunk")
    START_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    start: AggregateStart
    chunk: UpdateChunk
    def __init__(self, start: _Optional[_Union[AggregateStart, _Mapping]] = ..., chunk: _Optional[_Union[UpdateChunk, _Mapping]] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("client", "index", "accepted", "reason")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    client: str
    index: int
    accepted: bool
    reason: str
    def __init__(self, client: _Optional[str] = ..., index: _Optional[int] = ..., accepted: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class AggregateChunk(_message.Message):
    __slots__ = ("offset", "values")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    offset: int
    values: bytes
    def __init__(self, offset: _Optional[int] = ..., values: _Optional[bytes] = ...) -> None: ...

class AggregateReceipt(_message.Message):
    __slots__ = ("rule", "seed", "gradients_digest", "version", "result_digest")
    RULE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    GRADIENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESULT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    rule: str
    seed: int
    gradients_digest: str
    version: str
    result_digest: str
    def __init__(self, rule: _Optional[str] = ..., seed: _Optional[int] = ..., gradients_digest: _Optional[str] = ..., version: _Optional[str] = ..., result_digest: _Optional[str] = ...) -> None: ...

class AggregateResult(_message.Message):
    __slots__ = ("num_input_gradients", "selected", "rejected", "rule", "f", "failure_probability", "assumption", "seed", "receipt", "reasons")
    NUM_INPUT_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    SELECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    F_FIELD_NUMBER: _ClassVar[int]
    FAILURE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ASSUMPTION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    num_input_gradients: int
    selected: _containers.RepeatedScalarFieldContainer[int]
    rejected: _containers.RepeatedScalarFieldContainer[int]
    rule: str
    f: int
    failure_probability: float
    assumption: str
    seed: int
    receipt: AggregateReceipt
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, num_input_gradients: _Optional[int] = ..., selected: _Optional[_Iterable[int]] = ..., rejected: _Optional[_Iterable[int]] = ..., rule: _Optional[str] = ..., f: _Optional[int] = ..., failure_probability: _Optional[float] = ..., assumption: _Optional[str] = ..., seed: _Optional[int] = ..., receipt: _Optional[_Union[AggregateReceipt, _Mapping]] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class AggregateResponse(_message.Message):
    __slots__ = ("acknowledgement", "chunk", "result")
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    acknowledgement: Acknowledgement
    chunk: AggregateChunk
    result: AggregateResult
    def __init__(self, acknowledgement: _Optional[_Union[Acknowledgement, _Mapping]] = ..., chunk: _Optional[_Union[AggregateChunk, _Mapping]] = ..., result: _Optional[_Union[AggregateResult, _Mapping]] = ...) -> None: ...

class ProblemDetail(_message.Message):
    __slots__ = ("field", "message", "value")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    field: str
    message: str
    value: _struct_pb2.Value
    def __init__(self, field: _Optional[str] = ..., message: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("type", "title", "status", "code", "message", "details", "request_id", "resume_after")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    type: str
    title: str
    status: int
    code: str
    message: str
    details: _containers.RepeatedCompositeFieldContainer[ProblemDetail]
    request_id: str
    resume_after: int
    def __init__(self, type: _Optional[str] = ..., title: _Optional[str] = ..., status: _Optional[int] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[ProblemDetail, _Mapping]]] = ..., request_id: _Optional[str] = ..., resume_after: _Optional[int] = ...) -> None: ...
