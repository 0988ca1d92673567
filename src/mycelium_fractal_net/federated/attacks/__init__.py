"""Attacks: what hostile clients send, each as strong as its paper makes it."""

from mycelium_fractal_net.federated.attacks._attack import Attack
from mycelium_fractal_net.federated.attacks.a_little_is_enough import ALittleIsEnough
from mycelium_fractal_net.federated.attacks.gaussian_noise import GaussianNoise
from mycelium_fractal_net.federated.attacks.inner_product_manipulation import InnerProductManipulation
from mycelium_fractal_net.federated.attacks.label_flip import LabelFlip
from mycelium_fractal_net.federated.attacks.mimic import Mimic
from mycelium_fractal_net.federated.attacks.min_max import MinMax
from mycelium_fractal_net.federated.attacks.not_a_number import NotANumber
from mycelium_fractal_net.federated.attacks.sign_flip import SignFlip

__all__ = [
    "ALittleIsEnough",
    "Attack",
    "GaussianNoise",
    "InnerProductManipulation",
    "LabelFlip",
    "Mimic",
    "MinMax",
    "NotANumber",
    "SignFlip",
]
