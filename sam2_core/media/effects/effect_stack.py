"""Effect stacks: the effects to apply to an image with the help of its masks, as plain data.

A stack has layers with three kinds of targets: *background* layers change what is outside of the objects, in their
order; *objects* layers change what is inside; *marks* are drawn on top of both. All lengths are thousandths of the
frame's shorter side, so that a stack looks the same at every size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sam2_core.errors import BadPrompt
from sam2_core.media.draw import is_hex

SettingValue: TypeAlias = float | str
MAX_LAYERS = 12
MAX_TEXT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an effect: a slider from `low` to `high`, one of `choices` ({value: title}), a color (#rrggbb, or
    "" for each object's own if that is the default), a line of text, or the name of a backdrop."""

    title: str
    kind: Literal["slider", "choice", "color", "text", "backdrop"]
    default: SettingValue
    low: float = 0.0
    high: float = 1.0
    choices: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The setting as the page and the API list it."""
        bounds = {"low": self.low, "high": self.high, "choices": dict(self.choices)}
        return {"title": self.title, "kind": self.kind, "default": self.default, **bounds}

    def check(self, value: Any) -> SettingValue:
        """The value; raises `BadPrompt` if it is not valid for this setting."""
        if self.kind == "slider":
            # JSON integers may be too large for a float; NaN fails the comparison.
            if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
                raise BadPrompt(f"{self.title} goes from {self.low:g} to {self.high:g}.")
            return float(value)
        if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
            raise BadPrompt(f"{self.title} must be a short text.")
        if self.kind == "choice" and value not in self.choices:
            raise BadPrompt(f"{self.title} is one of {', '.join(self.choices)}.")
        if self.kind == "color" and not (is_hex(value) or value == self.default):
            raise BadPrompt(f"{self.title} is a color such as #ff8800.")
        return value


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect of a layer. `target` (JSON key "sort") is what it applies to; for "either", the setting `where` is."""

    title: str
    target: Literal["background", "objects", "either", "marks"]
    settings: Mapping[str, Setting]

    def to_json(self) -> dict[str, Any]:
        """The effect as the page and the API list it."""
        settings = {name: setting.to_json() for name, setting in self.settings.items()}
        return {"title": self.title, "sort": self.target, "settings": settings}


_SIDES = {"background": "background", "objects": "objects"}


def _where(default: str) -> Setting:
    return Setting("Where", "choice", default, choices=_SIDES)


EFFECTS: Mapping[str, Effect] = MappingProxyType({
    "spotlight": Effect("Spotlight", "background", {
        "darkness": Setting("Darkness", "slider", 0.7), "softness": Setting("Softness", "slider", 60, 0, 300),
    }),
    "blur": Effect("Blur", "either", {
        "where": _where("background"), "strength": Setting("Strength", "slider", 20, 1, 100),
    }),
    "pixelate": Effect("Pixelate", "either", {
        "where": _where("objects"), "size": Setting("Size", "slider", 30, 4, 120),
    }),
    "desaturate": Effect("Desaturate", "either", {
        "where": _where("background"), "amount": Setting("Amount", "slider", 1.0),
    }),
    "color": Effect("Solid color", "background", {"color": Setting("Color", "color", "#16a34a")}),
    "gradient": Effect("Gradient", "background", {
        "top": Setting("Top", "color", "#312e81"), "bottom": Setting("Bottom", "color", "#f9a8d4"),
    }),
    "picture": Effect("Picture", "background", {"name": Setting("Picture", "backdrop", "")}),
    "text": Effect("Text behind", "background", {
        "text": Setting("Text", "text", "MASKLET"), "size": Setting("Size", "slider", 300, 20, 1000),
        "height": Setting("Height", "slider", 0.5), "color": Setting("Color", "color", "#ffffff"),
    }),
    "cutout": Effect("Cutout", "background", {}),
    "erase": Effect("Erase", "objects", {"margin": Setting("Margin", "slider", 10, 0, 60)}),
    "overlay": Effect("Overlay", "marks", {
        "opacity": Setting("Opacity", "slider", 0.5), "outline": Setting("Outline", "slider", 3, 0, 20),
    }),
    "outline": Effect("Outline", "marks", {
        "width": Setting("Width", "slider", 6, 1, 40), "color": Setting("Color", "color", ""),
    }),
    "glow": Effect("Glow", "marks", {
        "size": Setting("Size", "slider", 40, 5, 150), "strength": Setting("Strength", "slider", 0.8),
        "color": Setting("Color", "color", ""),
    }),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """One effect with values for all its settings."""

    effect: str
    settings: Mapping[str, SettingValue]

    @property
    def target(self) -> str:
        """What it applies to: "background", "objects" or "marks"."""
        target = EFFECTS[self.effect].target
        return str(self.settings["where"]) if target == "either" else target

    @property
    def backdrops(self) -> frozenset[str]:
        """Names of the images that it refers to; "" if none was chosen yet."""
        settings = EFFECTS[self.effect].settings
        return frozenset(self.text(name) for name, setting in settings.items() if setting.kind == "backdrop")

    def number(self, name: str) -> float:
        """The value of a slider."""
        return float(self.settings[name])

    def text(self, name: str) -> str:
        """The value of any other setting."""
        return str(self.settings[name])


@dataclass(frozen=True, slots=True)
class EffectStack:
    """Layers, the later ones above, and the objects' edges: `feather` softens them (thousandths of the shorter side, 0
    to 50), `matte` (0..1) refines them with a guided filter, for hair and fur."""

    layers: tuple[Layer, ...] = ()
    feather: float = 0.0
    matte: float = 0.0

    @property
    def is_transparent(self) -> bool:
        """Whether the result has an alpha channel."""
        return any(layer.effect == "cutout" for layer in self.layers)

    @property
    def backdrops(self) -> frozenset[str]:
        """Names of the images that its layers refer to; with "" if one was not chosen yet."""
        return frozenset[str]().union(*(layer.backdrops for layer in self.layers))

    def layers_of(self, effect: str) -> list[Layer]:
        """The layers with this effect."""
        return [layer for layer in self.layers if layer.effect == effect]

    @classmethod
    def of(cls, *effects: str, **settings: SettingValue) -> EffectStack:
        """A stack of these effects with their default settings; `settings` are those of the last one."""
        layers: list[dict[str, Any]] = [{"effect": name} for name in effects]
        layers[-1].update(settings)
        return cls.from_json({"layers": layers})

    def to_json(self) -> dict[str, Any]:
        """Plain data: {layers: [{effect, ...settings}], feather, matte}."""
        layers = [{"effect": layer.effect, **layer.settings} for layer in self.layers]
        return {"layers": layers, "feather": self.feather, "matte": self.matte}

    @classmethod
    def from_json(cls, plain: Any) -> EffectStack:
        """Read the form that `to_json` writes; missing settings have their defaults. Raises `BadPrompt`."""
        if not isinstance(plain, dict) or plain.keys() - {"layers", "feather", "matte"}:
            raise BadPrompt("A look has layers, feather and matte.")
        layers = plain.get("layers", [])
        if not isinstance(layers, list) or len(layers) > MAX_LAYERS:
            raise BadPrompt(f"A look has a list of up to {MAX_LAYERS} layers.")
        feather, matte = (setting.check(plain.get(name, 0)) for name, setting in EDGE_SETTINGS.items())
        return cls(tuple(_layer(each) for each in layers), float(feather), float(matte))


EDGE_SETTINGS: Mapping[str, Setting] = MappingProxyType({
    "feather": Setting("Feather", "slider", 0, 0, 50), "matte": Setting("Fit to hair", "slider", 0),
})  # fmt: skip


def _layer(plain: Any) -> Layer:
    name = plain.get("effect") if isinstance(plain, dict) else None
    if not isinstance(name, str) or name not in EFFECTS:
        raise BadPrompt(f"The effect of a layer is one of {', '.join(EFFECTS)}.")
    settings = EFFECTS[name].settings
    if unknown := plain.keys() - {"effect", *settings}:
        raise BadPrompt(f"{EFFECTS[name].title} has no {', '.join(sorted(unknown))}.")
    return Layer(name, {key: setting.check(plain.get(key, setting.default)) for key, setting in settings.items()})


def _soft(stack: EffectStack, matte: float = 0.0) -> EffectStack:
    """With soft edges, as in photos."""
    return replace(stack, feather=1.0 if matte else 2.0, matte=matte)


OVERLAY = EffectStack.of("overlay")
PRESETS: Mapping[str, EffectStack] = MappingProxyType({
    "Overlay": OVERLAY,
    "Spotlight": _soft(EffectStack.of("desaturate", "spotlight")),
    "Blurred background": _soft(EffectStack.of("blur"), 0.5),
    "Cutout": _soft(EffectStack.of("cutout"), 0.5),
    "Hide faces": EffectStack.of("pixelate"),
    "Color splash": _soft(EffectStack.of("desaturate")),
    "Studio": _soft(EffectStack.of("gradient", top="#f8fafc", bottom="#a8b5c8"), 0.5),
    "Neon": _soft(EffectStack.of("spotlight", "glow", size=70, strength=1)),
    "Sticker": _soft(EffectStack.of("cutout", "outline", width=14, color="#ffffff")),
    "Title behind": _soft(EffectStack.of("text", height=0.33), 0.5),
    "Erase": EffectStack.of("erase"),
})  # fmt: skip


def effect_tables() -> dict[str, dict[str, Any]]:
    """The presets, the effects and the settings of objects' edges by name, as JSON."""
    return {
        "presets": {name: look.to_json() for name, look in PRESETS.items()},
        "effects": {name: effect.to_json() for name, effect in EFFECTS.items()},
        "edges": {name: setting.to_json() for name, setting in EDGE_SETTINGS.items()},
    }
