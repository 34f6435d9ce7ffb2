"""The scene of the sample clip "yard", built in Blender (bpy) from no asset.

A furry toy hops along a wall and behind a towel that hangs in the wind, while a ball rolls past in
front of both. Lengths are in metres: x to the right, y away from the camera, z up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector, noise

NUM_FRAMES = 48
FPS = 20
WIDTH, HEIGHT = 480, 270
OBJECTS = {"toy": (1, 0, 0), "towel": (0, 1, 0), "ball": (0, 0, 1)}
"""What each object writes into the pass `COVERAGE`, whose channels are objects 1 to 3."""
COVERAGE = "Coverage"
_SETTLING_FRAMES = 60
_HAIR_POINTS = 5

Colour = tuple[float, float, float]
Place = tuple[float, float, float]


def build_scene() -> Callable[[int], None]:
    """Build it.

    Returns
    -------
    A function that puts everything where it is on a frame, 0 to `NUM_FRAMES` - 1.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.fps = FPS
    scene.frame_start, scene.frame_end = 1, _SETTLING_FRAMES + NUM_FRAMES
    bpy.context.view_layer.aovs.add().name = COVERAGE
    _build_yard()
    _add_light()
    shapes, towel = _hang_towel()
    toy = _build_toy()
    ball = _build_ball()
    camera = _add_camera()
    leaves = _add_leaves()

    def pose(frame: int) -> None:
        time = frame / (NUM_FRAMES - 1)
        towel.data.vertices.foreach_set("co", shapes[frame].ravel())
        towel.data.update()
        _pose_toy(toy, time)
        _pose_ball(ball, time)
        _pose_camera(camera, time)
        for n, branch in enumerate(leaves):
            branch.rotation_euler = (0.0, 0.05 * math.sin(7.0 * time + 2.0 * n), 0.0)

    return pose


# --- what moves -------------------------------------------------------------------------------


def _build_toy() -> Any:
    """A plush toy; all its parts move with its root."""
    root = bpy.data.objects.new("toy", None)
    bpy.context.collection.objects.link(root)
    fur_rgb, belly_rgb = (0.58, 0.20, 0.04), (0.84, 0.68, 0.48)
    fur = _fur_material("toy", fur_rgb, belly_rgb)
    light_fur = _fur_material("toy", belly_rgb, belly_rgb)
    dark = _material("toy", (0.012, 0.010, 0.010), roughness=0.12)
    white = _material("toy", (0.85, 0.83, 0.80), roughness=0.2)
    sole = _material("toy", (0.23, 0.07, 0.03), roughness=0.8)

    body = _sphere("body", (0, 0, 0.40), (0.31, 0.28, 0.34), fur, root)
    snout = _sphere("snout", (0.24, -0.13, 0.36), (0.13, 0.12, 0.10), light_fur, root)
    furry = [(body, 29_000, 0.085), (snout, 5_500, 0.045)]
    for side in (-1, 1):
        ear = _sphere(
            "ear", (0.02 + 0.05 * side, 0.16 * side, 0.78), (0.06, 0.045, 0.17), fur, root
        )
        ear.rotation_euler = (-0.30 * side, 0.12, 0.0)
        furry.append((ear, 4_200, 0.05))
        foot = _sphere("foot", (0.07, 0.14 * side, 0.05), (0.16, 0.095, 0.055), sole, root)
        foot.name = f"foot{side}"
        turn, lift = math.radians(-35.0 + 25.0 * side), math.radians(25.0)
        out = Vector((math.cos(turn) * math.cos(lift), math.sin(turn) * math.cos(lift), 1.0))
        eye = Vector((0.33 * out.x, 0.30 * out.y, 0.40 + 0.36 * math.sin(lift)))
        _sphere("white", eye, (0.066, 0.066, 0.074), white, root)
        _sphere("eye", eye + Vector((0.036, -0.027, 0.0)), (0.037, 0.037, 0.044), dark, root)
    _sphere("nose", (0.35, -0.19, 0.40), (0.04, 0.04, 0.03), dark, root)
    tail = _sphere("tail", (-0.33, 0.02, 0.30), (0.10, 0.10, 0.10), light_fur, root)
    furry.append((tail, 4_600, 0.09))
    for n, (part, count, length) in enumerate(furry):
        _grow_fur(part, count, length, seed=n)
    return root


def _pose_toy(toy: Any, time: float) -> None:
    hops = 4.25 * time + 0.15
    phase = hops % 1.0
    height = 0.30 * 4.0 * phase * (1.0 - phase)
    squash = 1.0 - 0.16 * math.exp(-((min(phase, 1.0 - phase) / 0.10) ** 2)) + 0.12 * height
    way = math.floor(hops) + phase**1.1 if phase > 0 else hops
    toy.location = (-1.82 + 0.85 * (way - 0.15), 1.50, height)
    toy.scale = (1.0 / math.sqrt(squash), 1.0 / math.sqrt(squash), squash)
    toy.rotation_euler = (
        0.04 * math.sin(9.0 * time),
        0.22 * (phase - 0.5),
        -0.50 + 0.18 * math.sin(5.0 * time),
    )


def _build_ball() -> Any:
    material = _material("ball", (0.02, 0.07, 0.42), roughness=0.22)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(place.outputs["Object"], split.inputs[0])
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    stops = ramp.color_ramp.elements
    stops[0].color, stops[1].color = (0.02, 0.07, 0.42, 1), (0.02, 0.07, 0.42, 1)
    for position, rgb in (
        (0.36, (0.85, 0.83, 0.78)),
        (0.43, (0.80, 0.06, 0.05)),
        (0.57, (0.85, 0.83, 0.78)),
        (0.64, (0.02, 0.07, 0.42)),
    ):
        stops.new(position).color = (*rgb, 1)
    stretch = nodes.new("ShaderNodeMath")
    stretch.operation = "MULTIPLY_ADD"
    stretch.inputs[1].default_value, stretch.inputs[2].default_value = 0.5, 0.5
    links.new(split.outputs[2], stretch.inputs[0])
    links.new(stretch.outputs[0], ramp.inputs[0])
    links.new(ramp.outputs[0], nodes["Principled BSDF"].inputs["Base Color"])
    return _sphere("ball", (0, 0, 0), (0.25, 0.25, 0.25), material)


def _pose_ball(ball: Any, time: float) -> None:
    rolled = 3.05 * time - 0.25 * time * time
    bounce = 0.22 * abs(math.sin(math.pi * (2.6 * time + 0.5))) * (1.0 - time) ** 1.5
    ball.location = (1.25 - rolled, 0.42 - 0.25 * time, 0.25 + bounce)
    roll = Matrix.Rotation(-rolled / 0.25, 3, "Y")
    lean = Matrix.Rotation(0.9, 3, "X") @ Matrix.Rotation(0.35, 3, "Y")
    ball.rotation_euler = (roll @ lean).to_euler()


def _hang_towel() -> tuple[list[np.ndarray], Any]:
    """The towel's shape on each frame, (V, 3), of cloth simulated in wind; and the towel."""
    columns, rows, width, height = 44, 50, 0.98, 1.12
    top = 1.62
    vertices = [
        (width * (c / columns - 0.5), 0.03 * math.sin(15.0 * c / columns), -height * r / rows)
        for r in range(rows + 1)
        for c in range(columns + 1)
    ]
    at = [[r * (columns + 1) + c for c in range(columns + 1)] for r in range(rows + 1)]
    faces = [
        (at[r][c], at[r][c + 1], at[r + 1][c + 1], at[r + 1][c])
        for r in range(rows)
        for c in range(columns)
    ]
    mesh = bpy.data.meshes.new("towel")
    mesh.from_pydata(vertices, [], faces)
    uv = mesh.uv_layers.new(name="uv")
    for loop in mesh.loops:
        x, _, z = vertices[loop.vertex_index]
        uv.data[loop.index].uv = (x / width + 0.5, 1.0 + z / height)
    for face in mesh.polygons:
        face.use_smooth = True
    towel = bpy.data.objects.new("towel", mesh)
    towel.location = (0.62, 0.95, top)
    bpy.context.collection.objects.link(towel)
    mesh.materials.append(_towel_material())

    pins = towel.vertex_groups.new(name="pins")
    pegs = (0, 1, 14, 15, 29, 30, columns - 1, columns)
    pins.add([at[0][c] for c in pegs], 1.0, "REPLACE")
    cloth = towel.modifiers.new("cloth", "CLOTH")
    cloth.settings.quality = 8
    cloth.settings.mass = 0.25
    cloth.settings.tension_stiffness = cloth.settings.compression_stiffness = 18.0
    cloth.settings.shear_stiffness = 8.0
    cloth.settings.bending_stiffness = 0.12
    cloth.settings.air_damping = 1.2
    cloth.settings.vertex_group_mass = "pins"
    cloth.collision_settings.use_collision = False
    cloth.point_cache.frame_start, cloth.point_cache.frame_end = 1, _SETTLING_FRAMES + NUM_FRAMES
    bpy.ops.object.effector_add(type="WIND", location=(-0.6, -1.0, 1.0))
    wind = bpy.context.object
    wind.rotation_euler = Vector((0.55, 0.8, 0.06)).to_track_quat("Z", "Y").to_euler()
    bpy.ops.object.effector_add(type="TURBULENCE", location=(0.6, 1.0, 0.9))
    gusts = bpy.context.object
    gusts.field.strength, gusts.field.size, gusts.field.seed = 1100.0, 0.6, 3

    scene, shapes = bpy.context.scene, []
    for frame in range(1, _SETTLING_FRAMES + NUM_FRAMES + 1):
        breath = 0.5 + 0.5 * math.sin(0.13 * frame + 0.6)
        wind.field.strength = 500.0 + 2600.0 * breath * breath
        gusts.location.x = 0.6 + 0.015 * frame
        scene.frame_set(frame)
        if frame > _SETTLING_FRAMES:
            posed = towel.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
            shape = np.empty(3 * len(posed.vertices), np.float32)
            posed.vertices.foreach_get("co", shape)
            shapes.append(shape.reshape(-1, 3))
    towel.modifiers.remove(cloth)
    for field in (wind, gusts):
        bpy.data.objects.remove(field)
    thick = towel.modifiers.new("thick", "SOLIDIFY")
    thick.thickness = 0.012
    smooth = towel.modifiers.new("smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 1

    wood = _material(None, (0.55, 0.36, 0.18), roughness=0.6)
    for c in (0.5, 14.5, 29.5, columns - 0.5):
        x = towel.location.x + width * (c / columns - 0.5)
        _box((x, 0.95, top + 0.015), (0.011, 0.017, 0.045), wood)
    return shapes, towel


def _towel_material() -> Any:
    """Terry cloth with stripes across, its loops by bumps."""
    material = _material("towel", (0.8, 0.8, 0.8), roughness=0.95)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = nodes["Principled BSDF"]
    surface.inputs["Sheen Weight"].default_value = 0.35
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(place.outputs["UV"], split.inputs[0])
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    teal, cream, mustard = (0.015, 0.20, 0.20, 1), (0.78, 0.72, 0.60, 1), (0.72, 0.36, 0.04, 1)
    stops = ramp.color_ramp.elements
    stops[0].color, stops[1].position, stops[1].color = teal, 0.10, cream
    for position, rgba in (
        *((0.13, teal), (0.18, cream), (0.21, teal), (0.42, mustard), (0.46, teal), (0.66, cream)),
        *((0.69, teal), (0.74, cream), (0.77, teal)),
    ):
        stops.new(position).color = rgba
    links.new(split.outputs[1], ramp.inputs[0])
    _add_grain(material, ramp.outputs[0], scale=130.0, amount=0.35, bump=0.5, coordinates="UV")
    return material


# --- what stands ------------------------------------------------------------------------------


def _build_yard() -> None:
    _floor()
    plaster = _material(None, (0.66, 0.57, 0.44), roughness=0.9)
    _add_grain(plaster, None, scale=1.6, amount=0.30, bump=0.0)
    _add_grain(plaster, None, scale=42.0, amount=0.10, bump=0.25)
    _box((0, 3.0, 1.8), (6.0, 0.1, 1.8), plaster)
    band = _material(None, (0.20, 0.26, 0.31), roughness=0.8)
    _add_grain(band, None, scale=5.0, amount=0.45, bump=0.1)
    _box((0, 2.89, 0.20), (6.0, 0.03, 0.20), band)

    rope = _material(None, (0.62, 0.60, 0.55), roughness=0.8)
    curve = bpy.data.curves.new("line", "CURVE")
    curve.dimensions, curve.bevel_depth = "3D", 0.007
    spline = curve.splines.new("POLY")
    spline.points.add(40)
    for n, point in enumerate(spline.points):
        x = -3.0 + 6.0 * n / 40
        point.co = (x, 0.95, 1.625 + 0.02 * ((x - 0.62) / 3.0) ** 2, 1.0)
    line = bpy.data.objects.new("line", curve)
    curve.materials.append(rope)
    bpy.context.collection.objects.link(line)

    clay = _material(None, (0.50, 0.19, 0.10), roughness=0.75)
    _add_grain(clay, None, scale=9.0, amount=0.3, bump=0.1)
    for x, y, size in ((-0.95, 2.45, 1.0), (2.60, 2.30, 1.25)):
        bpy.ops.mesh.primitive_cone_add(
            vertices=48,
            radius1=0.20 * size,
            radius2=0.27 * size,
            depth=0.46 * size,
            location=(x, y, 0.23 * size),
        )
        pot = bpy.context.object
        bpy.ops.object.shade_smooth_by_angle()
        pot.data.materials.append(clay)
        _plant((x, y, 0.44 * size), size, seed=int(10 * size))


def _floor() -> None:
    """Stone slabs, each of its own shade, with joints."""
    bpy.ops.mesh.primitive_plane_add(size=24.0)
    material = _material(None, (0.3, 0.3, 0.3), roughness=0.75)
    bpy.context.object.data.materials.append(material)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    slabs = nodes.new("ShaderNodeTexBrick")
    links.new(place.outputs["Object"], slabs.inputs["Vector"])
    for name, value in (
        ("Color1", (0.33, 0.30, 0.26, 1)),
        ("Color2", (0.21, 0.20, 0.19, 1)),
        ("Mortar", (0.09, 0.085, 0.07, 1)),
        ("Scale", 1.0),
        ("Mortar Size", 0.012),
        ("Brick Width", 0.78),
        ("Row Height", 0.52),
    ):
        slabs.inputs[name].default_value = value
    _add_grain(material, slabs.outputs["Color"], scale=3.5, amount=0.55, bump=0.0)
    _add_grain(material, None, scale=34.0, amount=0.30, bump=0.2)


def _plant(at: Place, size: float, seed: int) -> None:
    """Long leaves that bow outwards."""
    chance = random.Random(seed)
    leaf = _material(None, (0.06, 0.17, 0.03), roughness=0.45)
    vertices, faces = [], []
    for _ in range(46):
        turn, reach = chance.uniform(0, math.tau), size * chance.uniform(0.25, 0.62)
        lift, width = size * chance.uniform(0.5, 1.05), size * chance.uniform(0.018, 0.034)
        side = Vector((-math.sin(turn), math.cos(turn), 0.0)) * width
        first = len(vertices)
        for n in range(9):
            t = n / 8
            middle = Vector(at) + Vector(
                (
                    math.cos(turn) * reach * t**1.4,
                    math.sin(turn) * reach * t**1.4,
                    lift * (t - 0.55 * t**3),
                )
            )
            taper = math.sin(math.pi * min(0.12 + 0.88 * t, 1.0)) ** 0.7 if t < 1 else 0.02
            vertices += [middle - side * taper, middle + side * taper]
        faces += [
            (first + 2 * n, first + 2 * n + 1, first + 2 * n + 3, first + 2 * n + 2)
            for n in range(8)
        ]
    _mesh("plant", vertices, faces, leaf)


def _add_light() -> None:
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    sky = world.node_tree.nodes["Background"]
    sky.inputs["Color"].default_value = (0.50, 0.66, 1.0, 1)
    sky.inputs["Strength"].default_value = 0.55
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle, sun.color = 5.6, math.radians(0.9), (1.0, 0.84, 0.62)
    lamp = bpy.data.objects.new("sun", sun)
    lamp.rotation_euler = Vector((0.62, 1.0, -0.92)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(lamp)


def _add_leaves() -> list[Any]:
    """Branches out of sight, of which one sees the shade on wall and floor."""
    leaf = _material(None, (0.1, 0.2, 0.05), roughness=0.6)
    branches = []
    for n, centre in enumerate(((-3.3, 0.4, 4.35), (-2.1, 0.3, 4.8), (-0.4, 0.4, 4.6))):
        chance = random.Random(50 + n)
        vertices, faces = [], []
        twigs = [[chance.gauss(0, s) for s in (0.85, 0.30, 0.40)] for _ in range(17)]
        for k in range(55 * len(twigs)):
            twig = Vector(twigs[k // 55])
            at = twig + Vector([chance.gauss(0, s) for s in (0.20, 0.16, 0.12)])
            tilt = Vector([chance.gauss(0, 1) for _ in range(3)]).normalized()
            u = tilt.orthogonal().normalized() * chance.uniform(0.025, 0.06)
            v = tilt.cross(u) * 0.5
            first = len(vertices)
            vertices += [at - u, at - v, at + u, at + v]
            faces.append((first, first + 1, first + 2, first + 3))
        branch = _mesh(f"branch{n}", vertices, faces, leaf)
        branch.location = centre
        branch.visible_camera = False
        branches.append(branch)
    return branches


def _add_camera() -> Any:
    camera = bpy.data.cameras.new("camera")
    camera.lens = 42.0
    camera.dof.use_dof = True
    camera.dof.focus_distance, camera.dof.aperture_fstop = 5.5, 2.2
    holder = bpy.data.objects.new("camera", camera)
    bpy.context.collection.objects.link(holder)
    bpy.context.scene.camera = holder
    return holder


def _pose_camera(camera: Any, time: float) -> None:
    """Goes slowly to the right, held by hand."""
    shake = [noise.noise((2.3 * time, 10.0 * n, 0.5)) for n in range(4)]
    camera.location = (-0.42 + 0.62 * time + 0.03 * shake[0], -4.4, 1.30 + 0.03 * shake[1])
    target = Vector((-0.12 + 0.34 * time + 0.04 * shake[2], 1.0, 0.80 + 0.03 * shake[3]))
    towards = target - camera.location
    camera.rotation_euler = towards.to_track_quat("-Z", "Y").to_euler()


# --- brushes ----------------------------------------------------------------------------------


def _material(obj: str | None, rgb: Colour, roughness: float) -> Any:
    """A material of one colour, which says which object it belongs to."""
    material = bpy.data.materials.new(obj or "yard")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes["Principled BSDF"].inputs["Base Color"].default_value = (*rgb, 1)
    nodes["Principled BSDF"].inputs["Roughness"].default_value = roughness
    coverage = nodes.new("ShaderNodeOutputAOV")
    coverage.aov_name = COVERAGE
    coverage.inputs["Color"].default_value = (*OBJECTS.get(obj or "", (0, 0, 0)), 1)
    return material


def _fur_material(obj: str, rgb: Colour, belly_rgb: Colour) -> Any:
    """Of hairs that are lighter at the tip, and at the belly."""
    material = _material(obj, rgb, roughness=0.55)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(place.outputs["Object"], split.inputs[0])
    low = nodes.new("ShaderNodeMapRange")
    low.inputs["From Min"].default_value, low.inputs["From Max"].default_value = -0.25, -0.75
    links.new(split.outputs[2], low.inputs["Value"])
    where = nodes.new("ShaderNodeMix")
    where.data_type = "RGBA"
    where.inputs[6].default_value, where.inputs[7].default_value = (*rgb, 1), (*belly_rgb, 1)
    links.new(low.outputs[0], where.inputs[0])
    hair = nodes.new("ShaderNodeHairInfo")
    shade = nodes.new("ShaderNodeMapRange")
    shade.inputs["To Min"].default_value, shade.inputs["To Max"].default_value = 0.35, 1.35
    links.new(hair.outputs["Intercept"], shade.inputs["Value"])
    vary = nodes.new("ShaderNodeMapRange")
    vary.inputs["To Min"].default_value, vary.inputs["To Max"].default_value = 0.7, 1.25
    links.new(hair.outputs["Random"], vary.inputs["Value"])
    both = nodes.new("ShaderNodeMath")
    both.operation = "MULTIPLY"
    links.new(shade.outputs[0], both.inputs[0])
    links.new(vary.outputs[0], both.inputs[1])
    tint = nodes.new("ShaderNodeVectorMath")
    tint.operation = "SCALE"
    links.new(where.outputs[2], tint.inputs[0])
    links.new(both.outputs[0], tint.inputs["Scale"])
    links.new(tint.outputs[0], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def _grow_fur(part: Any, count: int, length: float, seed: int) -> None:
    """Grow hairs all over a sphere, in tufts.

    They are ours rather than Blender's, whose hairs differ from run to run.
    """
    chance = np.random.default_rng(seed)
    roots = chance.standard_normal((count, 3))
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    waves = chance.standard_normal((3, 3, 3)) * 5.0
    tufts = np.stack([np.sin(roots @ wave).sum(axis=1) for wave in waves], axis=1)
    lean = 0.16 * tufts + 0.22 * chance.standard_normal((count, 3)) + (0.0, 0.0, -0.22)
    bend = 0.12 * chance.standard_normal((count, 3)) + (0.0, 0.0, -0.30)
    size = np.array(part.scale)
    along = np.linspace(0.0, 1.0, _HAIR_POINTS)[None, :, None]
    shape = roots[:, None] * along + lean[:, None] * along + bend[:, None] * along**2
    reach = length * chance.uniform(0.7, 1.15, (count, 1, 1))
    points = roots[:, None] * 0.985 + shape * reach / size
    radius = 0.0019 / size.mean() * np.linspace(1.0, 0.15, _HAIR_POINTS)

    curves = bpy.data.hair_curves.new("fur")
    curves.add_curves([_HAIR_POINTS] * count)
    curves.position_data.foreach_set("vector", points.astype(np.float32).ravel())
    thickness = curves.attributes.new("radius", "FLOAT", "POINT")
    thickness.data.foreach_set("value", np.tile(radius, count).astype(np.float32))
    curves.materials.append(part.data.materials[0])
    fur = bpy.data.objects.new("fur", curves)
    fur.parent = part
    bpy.context.collection.objects.link(fur)


def _add_grain(
    material: Any,
    colour: Any,
    *,
    scale: float,
    amount: float,
    bump: float,
    coordinates: str = "Object",
) -> None:
    """Make a material's colour uneven, by a share of it, and its surface too."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = nodes["Principled BSDF"]
    place = nodes.new("ShaderNodeTexCoord")
    grain = nodes.new("ShaderNodeTexNoise")
    grain.inputs["Scale"].default_value, grain.inputs["Detail"].default_value = scale, 3.0
    links.new(place.outputs[coordinates], grain.inputs["Vector"])
    shade = nodes.new("ShaderNodeMapRange")
    shade.inputs["From Min"].default_value, shade.inputs["From Max"].default_value = 0.25, 0.75
    shade.inputs["To Min"].default_value = 1.0 - amount
    shade.inputs["To Max"].default_value = 1.0 + amount
    links.new(grain.outputs[0], shade.inputs["Value"])
    tint = nodes.new("ShaderNodeVectorMath")
    tint.operation = "SCALE"
    base = surface.inputs["Base Color"]
    if colour is None and base.is_linked:
        colour = base.links[0].from_socket
    if colour is None:
        tint.inputs[0].default_value = tuple(base.default_value)[:3]
    else:
        links.new(colour, tint.inputs[0])
    links.new(shade.outputs[0], tint.inputs["Scale"])
    links.new(tint.outputs[0], base)
    if bump:
        relief = nodes.new("ShaderNodeBump")
        relief.inputs["Strength"].default_value = bump
        relief.inputs["Distance"].default_value = 0.02
        links.new(grain.outputs[0], relief.inputs["Height"])
        links.new(relief.outputs[0], surface.inputs["Normal"])


def _sphere(name: str, at: Sequence[float], size: Place, material: Any, parent: Any = None) -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=40, ring_count=24)
    ball = bpy.context.object
    bpy.ops.object.shade_smooth()
    ball.name, ball.location, ball.scale, ball.parent = name, at, size, parent
    ball.data.materials.append(material)
    return ball


def _box(at: Place, half: Place, material: Any) -> Any:
    bpy.ops.mesh.primitive_cube_add(size=2.0, location=at, scale=half)
    box = bpy.context.object
    box.data.materials.append(material)
    return box


def _mesh(name: str, vertices: Sequence[Any], faces: Sequence[Any], material: Any) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(v) for v in vertices], [], faces)
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    return thing
