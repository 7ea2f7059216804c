"""Names of workers."""

from workers.processes import expert_worker_name


def test_every_group_of_experts_has_a_name_of_its_own_that_a_file_can_have():
    many = [f"{number:02}-{'x' * 37}" for number in range(30)]
    groups = [["a", "b"], ["a-b"], ["a-b", "c"], ["a", "b-c"], many, many[:-1], [*many[:-1], "other"]]

    names = [expert_worker_name(group) for group in groups]

    assert len(set(names)) == len(groups)
    assert max(map(len, names)) < 200
