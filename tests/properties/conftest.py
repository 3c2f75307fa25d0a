"""The modules of this folder, loaded by path: tests are no package."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"properties_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def programs() -> ModuleType:
    return load("programs")


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    return load("oracle")


@pytest.fixture(scope="session")
def compare() -> ModuleType:
    return load("compare")
