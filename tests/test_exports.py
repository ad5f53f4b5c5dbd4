"""Exports of other systems: NetBox's inventory, and BGP-LS as GoBGP prints it."""

import json

import pytest

from simulator.base.errors import InputError
from simulator.formats.format import read_network


def read(path):
    """Return the network and all that was reported, as one text."""
    network, problems = read_network(path)
    return network, "\n".join(map(str, problems))


def gbps(network) -> list[float]:
    return network.capacity_gbps[::2].tolist()


# ---------------------------------------------------------------- NetBox

CABLES = (
    "side_a_device,side_a_type,side_a_name,side_b_device,side_b_type,side_b_name,"
    "status,label,length,length_unit\n"
    "ams,dcim.interface,et-0,fra,dcim.interface,et-0,connected,C1,450,km\n"
    "ams,dcim.interface,et-1,fra,dcim.interface,et-1,connected,C2,450000,m\n"
    "fra,dcim.interface,et-2,zrh,dcim.interface,et-0,connected,,,\n"
    "zrh,dcim.interface,et-1,ams,dcim.interface,et-2,planned,C4,,\n"
    "zrh,dcim.interface,et-2,ams,dcim.interface,et-3,connected,C5,,\n"
    "zrh,dcim.frontport,p1,ams,dcim.interface,et-4,connected,C6,,\n"
)
INTERFACES = (
    "device,name,enabled,type,speed\n"
    "ams,et-0,True,100gbase-x-qsfp28,100000000\nfra,et-0,True,100gbase-x-qsfp28,40000000\n"
    "ams,et-1,True,10gbase-x-sfpp,\nfra,et-1,True,100gbase-x-qsfp28,\n"
    "fra,et-2,True,1000base-t,\nzrh,et-0,True,other,\n"
    "ams,et-3,False,10gbase-x-sfpp,\nams,et-4,True,10gbase-x-sfpp,\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cables.csv").write_text(CABLES)
    (tmp_path / "interfaces.csv").write_text(INTERFACES)
    (tmp_path / "devices.csv").write_text(
        "name,site,latitude,longitude\nams,AMS,52.37,4.9\nfra,FRA,,\nzrh,ZRH,,\n"
    )
    (tmp_path / "sites.csv").write_text("name,latitude,longitude\nFRA,50.11,8.68\nZRH,47.38,8.54\n")
    return tmp_path


def test_cables_between_interfaces_are_links(folder):
    network, told = read(folder)
    assert network.links == ("C1", "C2", "fra-zrh")
    assert gbps(network) == [40.0, 10.0, 1.0]
    assert network.delay_ms[:4] == pytest.approx(450 / 204)
    assert network.graph.nodes["fra"]["lat"] == 50.11
    for text in (
        "1 cable left out, which are planned: 'C4'",
        "1 cable left out, which end at an interface that is not enabled: 'C5'",
        "1 cable left out, which end at a frontport: 'C6'",
        "capacity of 2 links read from the types of interfaces",
    ):
        assert text in told


@pytest.mark.parametrize(
    "head",
    [
        "ID,Label,Side A,Termination A,Side B,Termination B,Status,Type,Length",
        "ID,Label,Device A,Termination A,Device B,Termination B,Status,Type,Length",
        "ID,Label,Termination A Device,Termination A,Termination B Device,Termination B,Status,"
        "Type,Length",
    ],
)
def test_the_table_on_the_screen_is_read_alike(tmp_path, head):
    """What NetBox exports as the current view: names of columns are those of the page."""
    (tmp_path / "cables.csv").write_text(
        f"{head}\n"
        "1,C1,ams,et-0,fra,et-0,Connected,SMF,450 km\n"
        "2,C2,ams,et-1,fra,et-1,Connected,SMF,450000 m\n"
        "3,,fra,et-2,zrh,et-0,Connected,SMF,\n"
        "4,C4,zrh,et-1,ams,et-2,Planned,SMF,\n"
        "5,C6,zrh,p1,ams,et-4,Connected,SMF,\n"
        "6,C7,zrh,et-0,ams,et-4,Connected,SMF,three leagues\n"
    )
    (tmp_path / "interfaces.csv").write_text(
        "Name,Device,Enabled,Type,Speed\n"
        "et-0,ams,True,QSFP28 (100GE),100 Gbps\net-0,fra,True,QSFP28 (100GE),40 Gbps\n"
        "et-1,ams,True,SFP+ (10GE),—\net-1,fra,True,QSFP28 (100GE),\n"
        "et-2,fra,True,1000BASE-T (1GE),\net-0,zrh,True,Other,warp 9\n"
        "et-1,zrh,True,Other,\net-2,ams,True,Other,\net-4,ams,True,SFP+ (10GE),\n"
    )
    network, told = read(tmp_path)
    assert network.links == ("C1", "C2", "fra-zrh", "C7")
    assert gbps(network) == [40.0, 10.0, 1.0, 10.0]
    assert network.delay_ms[:4] == pytest.approx(450 / 204)
    for text in (
        "1 cable left out, which are planned: 'C4'",
        "1 cable left out, which end at what is not among the interfaces: 'C6'",
        "not understood, and not used: 'warp 9', 'three leagues'",
    ):
        assert text in told, told


@pytest.mark.parametrize("version", ["3.2", "4.0"])
def test_answers_of_the_rest_api_are_read_alike(tmp_path, version):
    def interface(device, name):
        return {"id": 7, "device": {"id": 1, "name": device}, "name": name}

    cables = []
    for i, (a, b) in enumerate([("ams", "fra"), ("fra", "zrh")]):
        both = {"a": interface(a, f"et-{i}"), "b": interface(b, f"et-{i}")}
        cable = {"id": i, "label": "", "status": {"value": "connected", "label": "Connected"}}
        for side, it in both.items():
            if version == "4.0":
                cable[f"{side}_terminations"] = [{"object_type": "dcim.interface", "object": it}]
            else:
                cable |= {f"termination_{side}_type": "dcim.interface", f"termination_{side}": it}
        cables.append({**cable, "length": 204.0, "length_unit": {"value": "km"}})
    (tmp_path / "cables.json").write_text(json.dumps({"count": 2, "next": None, "results": cables}))
    rows = [
        {
            **interface(d, f"et-{i}"),
            "enabled": True,
            "speed": 10_000_000,
            "type": {"value": "other"},
        }
        for i, d in ((0, "ams"), (0, "fra"), (1, "fra"), (1, "zrh"))
    ]
    (tmp_path / "interfaces.json").write_text(json.dumps(rows))
    network, _ = read(tmp_path)
    assert network.links == ("ams-fra", "fra-zrh") and gbps(network) == [10.0, 10.0]
    assert network.delay_ms.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cables.json", '{"next": "x?offset=50", "results": []}', "this is one page of several"),
        ("cables.json", '{"a": 1}', "expected a list of objects, or one under results"),
        ("cables.csv", CABLES.replace("connected", "planned"), "no cable joins interfaces of two"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told):
        read_network(tmp_path)


# ---------------------------------------------------------------- BGP-LS

A, B, C = ("0000.0000.000" + digit for digit in "123")


def route(nlri, **attribute):
    attrs = [{"type": 1, "value": 0}, {"type": 29, "node": {}, "link": {}, **attribute}]
    return {"nlri": nlri, "best": True, "attrs": attrs}


def node(router, name, text=True):
    descriptor = {"asn": 65000, "igp_router_id": router, "bgp_router_id": None}
    nlri = f"NLRI {{ NODE {{ AS:65000 BGP-LS ID:0 {router} ISIS-L2:32 }} }}"
    said = {"type": 1, "length": 1, "nlri": nlri} if text else {"local_node_desc": descriptor}
    return route(said, node={"name": name})


def link(a, b, bytes_per_s=1.25e9, metric=10, text=True):
    nlri = f"NLRI {{ LINK {{ LOCAL_NODE: {a} REMOTE_NODE: {b} LINK: 10.0.0.1->10.0.0.2}} }}"
    ends = {"local_node_desc": {"igp_router_id": a}, "remote_node_desc": {"igp_router_id": b}}
    said = {"type": 2, "length": 1, "nlri": nlri} if text else {"nlri": ends}
    return route(said, link={"bandwidth": bytes_per_s, "igp_metric": metric})


def saved(folder, *routes, listed=False):
    data = list(routes) if listed else {f"key {i}": [each] for i, each in enumerate(routes)}
    (folder / "ls.json").write_text(json.dumps(data))
    return folder / "ls.json"


def triangle(text):
    ends = [(A, B), (B, A), (B, C), (C, B), (C, A), (A, C)]
    return [
        *(node(r, n, text) for r, n in ((A, "ams"), (B, "fra"))),
        *(link(*e, text=text) for e in ends),
    ]


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_routes_of_nodes_and_links_make_a_network(tmp_path, text, listed):
    network, told = read(saved(tmp_path, *triangle(text), listed=listed))
    assert set(network.nodes) == {"ams", "fra", C}
    assert len(network.links) == 3 and gbps(network) == [10.0] * 3
    assert set(network.metric) == {10.0}
    assert "6 directed edges taken for 3 links" in told


def test_bandwidth_is_bytes_in_few_digits(tmp_path):
    both = [link(A, B, 12500000768.0), link(B, A, 12500000768.0)]
    assert gbps(read(saved(tmp_path, *both))[0]) == [100.0]


def test_only_the_best_path_of_a_route_counts(tmp_path):
    worse = {**link(A, B, 1.0), "best": False}
    path = tmp_path / "ls.json"
    path.write_text(json.dumps({"k": [worse, link(A, B)], "l": [link(B, A)], "m": []}))
    assert gbps(read(path)[0]) == [10.0]


def test_a_lan_of_two_routers_is_a_link_and_a_larger_one_is_left_out(tmp_path):
    two, three = f"{A}-02", "10.0.0.1:10.0.0.9"
    routes = []
    for lan, routers in ((two, (A, B)), (three, (A, B, C))):
        for router in routers:
            routes += [link(router, lan, metric=7), link(lan, router, 0.0, 0)]
    network, told = read(saved(tmp_path, *routes))
    assert set(network.nodes) == {A, B} and len(network.links) == 1
    assert network.metric.tolist() == [7.0, 7.0]
    assert "1 LAN of two routers taken for links between them" in told
    assert "1 LAN left out, not of two routers: '10.0.0.1:10.0.0.9' of 3" in told


def test_routes_without_a_link_are_refused(tmp_path):
    with pytest.raises(InputError, match="no route of BGP-LS in this file is a link between two"):
        read_network(saved(tmp_path, node(A, "ams")))
